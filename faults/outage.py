"""Outages as a user gives them: a part that is down, hangs, or answers errors, for a while.

down=10:review
hang:review
errors=500,10:order/review
errors=503:*/review
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from harness.errors import DeclarationError
from harness.model.address import ANY, CLIENT
from harness.model.system import Role, System


class Ill(Enum):
    """What ails the part."""

    DOWN = "down"
    HANG = "hang"
    ERRORS = "errors"


FORMS: Mapping[Ill, str] = {
    Ill.DOWN: "down[=SECONDS]:NODE",
    Ill.HANG: "hang[=SECONDS]:NODE",
    Ill.ERRORS: "errors=STATUS[,SECONDS]:CLIENT/SERVER",
}

SAYS: Mapping[Ill, str] = {
    Ill.DOWN: "SIGKILL a node and hold it down for a while, then let it start again",
    Ill.HANG: "freeze a node for a while: it takes connections and answers nobody",
    Ill.ERRORS: "answer every HTTP request of a client, or of all (`*`), to a server with an error "
    "for a while, forwarding none",
}

MECHANISM: Mapping[Ill, str] = {
    Ill.DOWN: "SIGKILL of the whole process tree, held down, then restarted",
    Ill.HANG: "SIGSTOP of the whole process tree, then SIGCONT",
    Ill.ERRORS: "the taps on those links answer, then forward again",
}

PROOF: Mapping[Ill, str] = {
    Ill.DOWN: "the process is gone, its port refuses, and it is still so at the heal",
    Ill.HANG: "every process of the node stands still, and still does so at the heal",
    Ill.ERRORS: "a request on that very link is answered with the status, and not before and after",
}

DURATION_S = 5.0
"""How long, where nothing is said."""

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_STATUS = re.compile(r"[45][0-9]{2}")
_HTTP = frozenset({Role.SERVICE, Role.KAFKA_CONNECT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One part, what ails it, and how long. `text` is what the user gave."""

    text: str
    ill: Ill
    node: str
    """Of errors: the server."""
    duration_s: float = DURATION_S
    client: str | None = None
    """Of errors: whom they are answered to; None: everybody."""
    status: str = ""
    """Of errors."""

    @classmethod
    def is_one(cls, text: str) -> bool:
        """Whether the text begins as one, whatever is wrong with the rest."""
        return text.partition(":")[0].partition("=")[0] in {ill.value for ill in Ill}

    @classmethod
    def parse(cls, text: str) -> "Outage":
        """Raises DeclarationError that begins with the text and says what there is."""
        said, colon, target = text.partition(":")
        name, _, value = said.partition("=")
        ill = Ill(name)
        if not colon or not target or ":" in target:
            raise DeclarationError(f"{text}: the form is {FORMS[ill]}")
        if ill is not Ill.ERRORS:
            return cls(text=text, ill=ill, node=target, duration_s=_seconds(text, ill, value))
        status, _, seconds = value.partition(",")
        client, slash, server = target.partition("/")
        if not slash or not client or not server or "/" in server:
            raise DeclarationError(f"{text}: the form is {FORMS[ill]}")
        if not _STATUS.fullmatch(status):
            raise DeclarationError(
                f"{text}: {status!r} is no HTTP status of an error; say errors=500"
            )
        return cls(
            text=text,
            ill=ill,
            node=server,
            duration_s=_seconds(text, ill, seconds),
            client=None if client == ANY else client,
            status=status,
        )

    @property
    def needs_taps(self) -> bool:
        return self.ill is Ill.ERRORS

    def unfit(self, system: System) -> str | None:
        """What of it the system does not have, None where it has all."""
        names = {node.name: node.role for node in system.nodes}
        there = f"there are {', '.join(names)}"
        if self.node not in names:
            return f"there is no node {self.node!r}; {there}"
        if self.client is not None and self.client not in {CLIENT, *names}:
            return f"there is no client {self.client!r}; {there}, and {CLIENT} for the workload's"
        if self.ill is Ill.ERRORS and names[self.node] not in _HTTP:
            return f"{self.node} is a {names[self.node].value} node and does not speak HTTP"
        return None


def _seconds(text: str, ill: Ill, value: str) -> float:
    if not value:
        return DURATION_S
    if not _SECONDS.fullmatch(value) or float(value) <= 0:
        raise DeclarationError(f"{text}: {value!r} is no number of seconds; it is {FORMS[ill]}")
    return float(value)
