"""Toxics as a user gives them: what is done to a link, how much of it, how long, and which link.

latency
latency=200±50:order/kafka-1
bandwidth=10,5:connect/order-db
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from harness.errors import DeclarationError
from harness.model.address import CLIENT
from harness.model.scenario import Pattern
from harness.model.system import Link, Role, System
from harness.model.toxic import Stream, Toxic


class Ail(Enum):
    """What ails the link."""

    LATENCY = "latency"
    BANDWIDTH = "bandwidth"
    SLICER = "slicer"
    LIMIT_DATA = "limit-data"
    RESET_PEER = "reset-peer"
    TIMEOUT = "timeout"
    SLOW_CLOSE = "slow-close"


FORMS: Mapping[Ail, str] = {
    Ail.LATENCY: "latency[=MS[±MS]][,SECONDS][:CLIENT/SERVER]",
    Ail.BANDWIDTH: "bandwidth[=KB_PER_S][,SECONDS][:CLIENT/SERVER]",
    Ail.SLICER: "slicer[=BYTES][,SECONDS][:CLIENT/SERVER]",
    Ail.LIMIT_DATA: "limit-data[=BYTES][,SECONDS][:CLIENT/SERVER]",
    Ail.RESET_PEER: "reset-peer[=MS][,SECONDS][:CLIENT/SERVER]",
    Ail.TIMEOUT: "timeout[=MS][,SECONDS][:CLIENT/SERVER]",
    Ail.SLOW_CLOSE: "slow-close[=MS][,SECONDS][:CLIENT/SERVER]",
}

SAYS: Mapping[Ail, str] = {
    Ail.LATENCY: "every answer comes so much later, give or take the second figure",
    Ail.BANDWIDTH: "each direction carries no more than that",
    Ail.SLICER: "each direction comes in pieces of about that size, 3 ms apart",
    Ail.LIMIT_DATA: "a connection ends when the server has sent that much on it",
    Ail.RESET_PEER: "a connection is reset so long after its server has begun to answer",
    Ail.TIMEOUT: "nothing comes through, either way; a connection ends after so long a silence, "
    "with 0 not before the heal",
    Ail.SLOW_CLOSE: "the end of a connection is told so much later",
}

MECHANISM: Mapping[Ail, str] = {
    Ail.LATENCY: "toxic `latency`, downstream",
    Ail.BANDWIDTH: "toxics `bandwidth`, both ways",
    Ail.SLICER: "toxics `slicer`, both ways",
    Ail.LIMIT_DATA: "toxic `limit_data`, downstream",
    Ail.RESET_PEER: "toxic `reset_peer`, downstream",
    Ail.TIMEOUT: "toxics `timeout`, both ways",
    Ail.SLOW_CLOSE: "toxics `slow_close`, both ways",
}

PROOF: Mapping[Ail, str] = {
    Ail.LATENCY: "round trips on an old connection and a new one take at least that long, and "
    "differ by the jitter",
    Ail.BANDWIDTH: "what an old connection carries in a second, each way",
    Ail.SLICER: "the sizes of what an old connection receives, and the time between",
    Ail.LIMIT_DATA: "an old connection ends, and how much it has received by then",
    Ail.RESET_PEER: "a new connection is reset before it is answered, and an old one ends",
    Ail.TIMEOUT: "an old connection and a new one are not answered",
    Ail.SLOW_CLOSE: "the time from a connection's last word to its end",
}

DEFAULTS: Mapping[Ail, tuple[int, int]] = {
    Ail.LATENCY: (200, 50),
    Ail.BANDWIDTH: (10, 0),
    Ail.SLICER: (24, 0),
    Ail.LIMIT_DATA: (4096, 0),
    Ail.RESET_PEER: (0, 0),
    Ail.TIMEOUT: (0, 0),
    Ail.SLOW_CLOSE: (1500, 0),
}
"""How much, where nothing is said, and the jitter."""

DURATION_S = 3.0
"""How long, where nothing is said, after the effect has been measured."""
MEASURED_S = 2.0
"""What measuring it takes, about."""
SLICES_APART_US = 3000
"""Microseconds: more than it takes to send the next one, so that no two arrive as one."""

ABOUT = (
    """A link that is late, slow, in pieces, cut short, reset or silent for a while, by way of
Toxiproxy, which stands between the link's tap and its server. `aftershock fetch` brings it;
where it is not to be had, these faults are refused, and `aftershock doctor` says what helps.""",
    f"""Without a link it is the publisher's to the broker. CLIENT may be `client`, the workload's
customers. SERVER is a node of role postgres, kafka, kafka-connect or service. Without SECONDS it
is {DURATION_S:g} s after the effect has been measured; the workload is made long enough to go on before
and after it, unless `--duration` says how long it is to last. What is measured goes by way of the
client's own tap: on a connection that was there before the toxic, and, where that can show it, on
a new one.""",
)
"""What the reference says of all of them, before the table and after it."""

_AMOUNT = re.compile(r"([0-9]{1,9})(?:(?:±|\+-)([0-9]{1,9}))?")
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_PROBED = frozenset({Role.POSTGRES, Role.KAFKA, Role.KAFKA_CONNECT, Role.SERVICE})
_MAY_BE_NOTHING = frozenset({Ail.RESET_PEER, Ail.TIMEOUT})
_DOWN, _BOTH = (Stream.DOWNSTREAM,), (Stream.UPSTREAM, Stream.DOWNSTREAM)
_STREAMS: Mapping[Ail, tuple[Stream, ...]] = {
    Ail.LATENCY: _DOWN,
    Ail.BANDWIDTH: _BOTH,
    Ail.SLICER: _BOTH,
    Ail.LIMIT_DATA: _DOWN,
    Ail.RESET_PEER: _DOWN,
    Ail.TIMEOUT: _BOTH,
    Ail.SLOW_CLOSE: _BOTH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """One ail of one link. `text` is what the user gave."""

    text: str
    ail: Ail
    amount: int
    """In the unit of the form."""
    jitter: int = 0
    """Milliseconds, of latency."""
    duration_s: float = DURATION_S
    link: Link | None = None
    """None: the one on which a pattern publishes."""

    @classmethod
    def is_one(cls, text: str) -> bool:
        """Whether the text begins as one, whatever is wrong with the rest."""
        name = re.split("[:=,]", text, maxsplit=1)[0]
        return name in {ail.value for ail in Ail}

    @classmethod
    def parse(cls, text: str) -> "Poison":
        """Raises DeclarationError that begins with the text and says what there is."""
        said, colon, target = text.partition(":")
        said, comma, seconds = said.partition(",")
        name, equals, value = said.partition("=")
        ail = Ail(name)
        amount, jitter = _amount(text, ail, value) if equals else DEFAULTS[ail]
        duration_s = DURATION_S
        if comma:
            if not _SECONDS.fullmatch(seconds) or float(seconds) <= 0:
                raise DeclarationError(
                    f"{text}: {seconds!r} is no number of seconds; the form is {FORMS[ail]}"
                )
            duration_s = float(seconds)
        return cls(
            text=text,
            ail=ail,
            amount=amount,
            jitter=jitter,
            duration_s=duration_s,
            link=_link(text, ail, target) if colon else None,
        )

    @property
    def lasts_s(self) -> float:
        """From the injection to the heal, about."""
        return self.duration_s + MEASURED_S

    def link_under(self, pattern: Pattern, system: System) -> Link | None:
        """The link that is meant: where none is named, the publisher's to the broker. None: there
        is no such link."""
        if self.link is not None:
            return self.link
        brokers = system.with_role(Role.KAFKA)
        if not brokers or pattern.publisher not in {node.name for node in system.nodes}:
            return None
        return Link(client=pattern.publisher, server=brokers[0].name)

    def unfit(self, pattern: Pattern, system: System) -> str | None:
        """What of it the pattern's system does not have, None where it has all."""
        names = {node.name: node.role for node in system.nodes}
        link = self.link_under(pattern, system)
        if link is None:
            return (
                f"nobody publishes to a broker; name a link, as in {self.ail.value}:CLIENT/SERVER"
            )
        for name in (link.client, link.server):
            if name not in names and (name, name) != (CLIENT, link.client):
                return (
                    f"there is no node {name!r}; there are {', '.join(names)}, and, to begin a link, "
                    f"{CLIENT} for the workload's"
                )
        if link.client == link.server or Role.KAFKA is names.get(link.client) is names[link.server]:
            return f"no tap stands on {link}"
        if names[link.server] not in _PROBED:
            return f"{link}: there is no probe that speaks what a {names[link.server].value} node speaks"
        return None

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        """As Toxiproxy has them."""
        kind = self.ail.value.replace("-", "_")
        return tuple(
            Toxic(type=kind, stream=stream, attributes=self._attributes)
            for stream in _STREAMS[self.ail]
        )

    @property
    def _attributes(self) -> Mapping[str, int]:
        match self.ail:
            case Ail.LATENCY:
                return {"latency": self.amount, "jitter": self.jitter}
            case Ail.BANDWIDTH:
                return {"rate": self.amount}
            case Ail.SLICER:
                return {
                    "average_size": self.amount,
                    "size_variation": self.amount // 4,
                    "delay": SLICES_APART_US,
                }
            case Ail.LIMIT_DATA:
                return {"bytes": self.amount}
            case Ail.RESET_PEER | Ail.TIMEOUT:
                return {"timeout": self.amount}
            case Ail.SLOW_CLOSE:
                return {"delay": self.amount}


def _amount(text: str, ail: Ail, value: str) -> tuple[int, int]:
    found = _AMOUNT.fullmatch(value)
    if found is None or (found[2] is not None and ail is not Ail.LATENCY):
        raise DeclarationError(f"{text}: {value!r} is no amount; the form is {FORMS[ail]}")
    amount, jitter = int(found[1]), int(found[2] or 0)
    if amount == 0 and ail not in _MAY_BE_NOTHING:
        raise DeclarationError(f"{text}: 0 would do nothing; the form is {FORMS[ail]}")
    if jitter >= amount > 0:
        raise DeclarationError(f"{text}: the jitter must be less than the latency itself")
    return amount, jitter


def _link(text: str, ail: Ail, target: str) -> Link:
    client, slash, server = target.partition("/")
    if not slash or not client or not server or "/" in server or ":" in target:
        raise DeclarationError(f"{text}: the form is {FORMS[ail]}")
    return Link(client=client, server=server)
