"""Errors by blame: yours, the rig's, or ours.

What the system under test does wrong is data (operations, verdicts), never one of these.
"""


class AftershockError(Exception):
    """Base of all; its text is one message that a user can act on."""


class DeclarationError(AftershockError):
    """The user's input is wrong: a file, an option, a name. Exit code 254.

    The message names the file, line or option and says what to do.
    """


class EnvironmentFailed(AftershockError):
    """The rig could not do its part (a node that does not start, a full disk). Exit code 2.

    Where it happens inside a scenario the verdict is INCONCLUSIVE with this text as reason.
    """


class MachineUnfit(DeclarationError):
    """This machine cannot run what was asked (no user namespaces, say). Exit code 254."""


class HarnessBug(AftershockError):
    """A broken promise of our own. Exit code 255."""
