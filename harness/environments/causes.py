"""Why a kernel refuses what a run asks of it, and the one command that mends it.

The kernel tells little more than EPERM or ENOSPC; which of a dozen reasons is behind it shows in
its settings and in what this process may do. Every cause below is one that its source documents
(user_namespaces(7), unshare(2), the distributions' own switches), told apart by facts alone.
"""

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.environments.trial import Outcome, Step

CAP_SYS_ADMIN = 21
"""Its bit in the capability sets (<linux/capability.h>)."""

SECCOMP_FILTER = 2
"""The value of Seccomp in /proc/PID/status of a process under a filter (proc(5))."""

_LIMITS = ("user", "net", "mnt", "pid", "uts", "ipc")
_ENOUGH = 15_000
"""Namespaces of a kind; what distributions set by default on small machines."""

_DENIED = frozenset({errno.EPERM, errno.EACCES})
_EXHAUSTED = frozenset({errno.ENOSPC, errno.EUSERS})
_UNKNOWN_TO_KERNEL = frozenset({errno.EINVAL, errno.ENOSYS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. `needed`: the namespaces environment cannot do without it."""

    name: str
    ok: bool
    says: str
    """One sentence for people."""
    mend: str | None = None
    """One command that mends it, where there is one."""
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the kernel is set to; None for a setting that it doesn't have."""

    userns_clone: int | None
    """kernel.unprivileged_userns_clone, Debian's switch."""
    apparmor_restrict: int | None
    """kernel.apparmor_restrict_unprivileged_userns, Ubuntu's."""
    limits: Mapping[str, int | None]
    """Kind (`user`, `net`, …) → user.max_<kind>_namespaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Privileges:
    """What the trying process is."""

    uid: int
    sys_admin: bool
    """Whether it has CAP_SYS_ADMIN where it stands."""
    seccomp: int
    """0 none, 1 strict, 2 a filter."""


def read_settings(proc_sys: Path) -> Settings:
    """The settings under a /proc/sys directory."""
    return Settings(
        userns_clone=_number(proc_sys / "kernel" / "unprivileged_userns_clone"),
        apparmor_restrict=_number(proc_sys / "kernel" / "apparmor_restrict_unprivileged_userns"),
        limits={k: _number(proc_sys / "user" / f"max_{k}_namespaces") for k in _LIMITS},
    )


def read_privileges(status: str, *, uid: int) -> Privileges:
    """From the text of /proc/self/status; what it doesn't tell counts as unrestricted."""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    capabilities = int(fields.get("CapEff", "ffffffffffffffff"), 16)
    return Privileges(
        uid=uid,
        sys_admin=bool(capabilities >> CAP_SYS_ADMIN & 1),
        seccomp=int(fields.get("Seccomp", "0")),
    )


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


_DONE = {
    Step.USER: "an ordinary user may make user namespaces here",
    Step.NAMESPACES: "network, mount, PID, UTS and IPC namespaces can be made",
    Step.PROC: "/proc can be mounted in a PID namespace of one's own",
    Step.NESTED_USER: "a nested user namespace gives Postgres a user that is not root",
    Step.NODE: "a bridge and a node joined to it by veth can be made",
    Step.CUT: "nftables takes drop rules in a network namespace of one's own",
    Step.TAPS: "taps get addresses, and what goes past them is told by its mark (SO_MARK)",
}


def explain(
    outcomes: Mapping[Step, Outcome], settings: Settings, privileges: Privileges
) -> tuple[Finding, ...]:
    """A finding for each step of the trial, those not reached included."""
    findings = []
    for step in Step:
        outcome = outcomes.get(step)
        if outcome is None and step is Step.USER and privileges.uid == 0:
            continue  # root takes none for itself
        if outcome is None:
            says, mend = "not tried: something before it failed", None
        elif outcome.worked:
            says, mend = _DONE[step], None
        else:
            says, mend = _cause(step, outcome, settings, privileges)
        ok = outcome is not None and outcome.worked
        findings.append(Finding(name=step.value, ok=ok, says=says, mend=mend, needed=True))
    return tuple(findings)


def _cause(
    step: Step, outcome: Outcome, settings: Settings, privileges: Privileges
) -> tuple[str, str | None]:
    """(what is wrong, the command that mends it)."""
    number = outcome.errno
    if number in _DENIED:
        for denial in _DENIALS:
            if step in denial.steps and denial.applies(settings, privileges):
                return denial.says, denial.mend
    if number in _EXHAUSTED and step in _COUNTED:
        return _exhausted(step, settings)
    if number in _UNKNOWN_TO_KERNEL and step in _MAKES_NAMESPACES:
        kind = "namespaces of some kind" if step is Step.NAMESPACES else "user namespaces"
        return f"this kernel is built without {kind} ({outcome.says})", None
    if step in _MODULES:
        thing, mend = _MODULES[step]
        return f"{thing} not to be had ({outcome.says})", mend
    return f"refused without a reason that this program knows ({outcome.says})", None


_EVERY = frozenset(Step)
_MAKES_NAMESPACES = frozenset({Step.USER, Step.NAMESPACES, Step.NESTED_USER})
_COUNTED = _MAKES_NAMESPACES | {Step.NODE}
_MODULES: Mapping[Step, tuple[str, str | None]] = {
    Step.NODE: ("bridges or veth pairs are", "sudo modprobe -a bridge veth"),
    Step.CUT: ("nftables is", "sudo modprobe -a nf_tables"),
    Step.TAPS: (
        "what taps need (routes of type local, SO_MARK, nftables' meta expression) is",
        None,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Denial:
    """A reason for EPERM or EACCES."""

    steps: frozenset[Step]
    applies: Callable[[Settings, Privileges], bool]
    says: str
    mend: str | None


_DENIALS = (  # the most specific first
    _Denial(
        steps=_EVERY,
        applies=lambda kernel, who: who.uid != 0 and kernel.userns_clone == 0,
        says="this kernel keeps user namespaces from ordinary users"
        " (kernel.unprivileged_userns_clone is 0)",
        mend="sudo sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    _Denial(
        steps=_EVERY,
        applies=lambda kernel, who: who.uid != 0 and bool(kernel.apparmor_restrict),
        says="AppArmor takes the rights out of ordinary users' user namespaces"
        " (kernel.apparmor_restrict_unprivileged_userns is 1)",
        mend="sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    _Denial(
        steps=frozenset({Step.PROC}),
        applies=lambda _kernel, _who: True,
        says="/proc cannot be mounted anew: parts of it are covered here, as in containers",
        mend="docker run --security-opt systempaths=unconfined …",
    ),
    _Denial(
        steps=_EVERY,
        applies=lambda _kernel, who: who.uid == 0 and not who.sys_admin,
        says="root is without the capability SYS_ADMIN here, as in a container",
        mend="docker run --cap-add SYS_ADMIN --security-opt systempaths=unconfined …",
    ),
    _Denial(
        steps=_EVERY,
        applies=lambda _kernel, who: who.seccomp == SECCOMP_FILTER,
        says="a system call filter (seccomp) forbids it, as in a container",
        mend="docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined …",
    ),
    _Denial(
        steps=frozenset({Step.USER, Step.NESTED_USER}),
        applies=lambda _kernel, _who: True,
        says="the kernel forbids user namespaces: this is a chroot, or a security module such as"
        " SELinux decides so",
        mend=None,
    ),
)


def _exhausted(step: Step, settings: Settings) -> tuple[str, str]:
    """A limit of namespaces: the one that is 0, else the lowest of those the step needs."""
    kinds = {
        Step.USER: ("user",),
        Step.NESTED_USER: ("user",),
        Step.NODE: ("net",),
    }.get(step, _LIMITS[1:])
    known = {kind: limit for kind in kinds if (limit := settings.limits.get(kind)) is not None}
    kind = min(known, key=lambda k: known[k], default=kinds[0])
    limit = known.get(kind)
    mend = f"sudo sysctl -w user.max_{kind}_namespaces={max(_ENOUGH, 2 * (limit or 0))}"
    setting = f"user.max_{kind}_namespaces is {'unknown' if limit is None else limit}"
    if limit == 0:
        return f"{kind} namespaces are switched off ({setting})", mend
    where = "here or in a container around this one"
    return f"the limit of {kind} namespaces is reached, {where} ({setting})", mend
