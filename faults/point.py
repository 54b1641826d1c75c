"""Points as a user gives them: what is done to which node, on which side of which effect.

    kill:order:after:order/order-db/commit(orders,*)
    hold=5:order:before:order/kafka-1/produce(order.events)/17#1
    error=40001:order:before:order/order-db/commit(orders,*)

What stands after the third colon is an address (harness.model.address), colons and all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from harness.errors import DeclarationError
from harness.model.address import ANY, CLIENT, NO_KEY, Address, NoAddress
from harness.model.cut import Trigger, When
from harness.model.effect import EffectKind
from harness.model.system import Role, System

FORM = "ACTION:NODE:before|after:ADDRESS"


class Action(Enum):
    """What is done when the point is reached."""

    KILL = "kill"
    PAUSE = "pause"
    CUT = "cut"
    RESET = "reset"
    HOLD = "hold"
    SWALLOW = "swallow"
    ERROR = "error"


SAYS: Mapping[Action, str] = {
    Action.KILL: "freeze the node, SIGKILL it, hold it down until the cut is proved, start it again",
    Action.PAUSE: "freeze the node for a while",
    Action.CUT: "drop every packet between the effect's client and its server for a while",
    Action.RESET: "reset the effect's connection to both sides; what was held on it is lost",
    Action.HOLD: "have every link of the node stand still for a while, then let all go on",
    Action.SWALLOW: "drop the answer, so that its client never gets one; only after the effect",
    Action.ERROR: "answer with an error instead; before the effect its request is not forwarded",
}

DURATIONS_S: Mapping[Action, float] = {Action.PAUSE: 2.0, Action.CUT: 2.0, Action.HOLD: 3.0}
"""How long, where nothing is said."""

ON_A_LINK = frozenset({Action.CUT, Action.RESET, Action.SWALLOW, Action.ERROR})
"""What strikes the effect's link or connection, and not the node as a whole."""

_ANSWERING = frozenset({Action.SWALLOW, Action.ERROR})

_CODES: Mapping[str, tuple[str, str]] = {
    EffectKind.COMMIT.value: (r"[0-9A-Z]{5}", "an SQLSTATE, as in error=40001"),
    EffectKind.PRODUCE.value: (r"-?[0-9]{1,3}", "a Kafka error code, as in error=6"),
    EffectKind.OFFSET_COMMIT.value: (r"-?[0-9]{1,3}", "a Kafka error code, as in error=22"),
    EffectKind.END_TXN.value: (r"-?[0-9]{1,3}", "a Kafka error code, as in error=51"),
    EffectKind.HTTP.value: (r"[45][0-9]{2}", "an HTTP status, as in error=503"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point and what happens there. `text` is what the user gave."""

    text: str
    action: Action
    node: str
    """What is gated, and struck by what strikes a node."""
    trigger: Trigger
    duration_s: float = 0.0
    error: str | None = None
    """Of action `error`: SQLSTATE, Kafka error code or HTTP status."""

    @classmethod
    def parse(cls, text: str) -> "Point":
        """Raises DeclarationError that begins with the text and says what there is."""
        parts = text.split(":", 3)
        if len(parts) < 4:
            raise DeclarationError(f"{text}: the form of a point is {FORM}")
        asked, node, when, place = parts
        action, duration_s, error = _action(text, asked)
        point = cls(
            text=text,
            action=action,
            node=node,
            trigger=Trigger(when=_when(text, when), address=_address(text, place)),
            duration_s=duration_s,
            error=error,
        )
        point._check()
        return point

    @property
    def address(self) -> Address:
        return self.trigger.address

    @property
    def names_one(self) -> bool:
        """Whether it names one effect of one business key, or one of many by its number: it may
        come at any moment from the first request on, and depends on the seed."""
        return self.address.occurrence is not None or self.key is not None

    @property
    def key(self) -> str | None:
        """The business key whose effect it names, None where it names none."""
        return None if self.address.key == NO_KEY else self.address.key

    @property
    def target(self) -> str:
        """The node or the link that is struck, for people."""
        if self.action in ON_A_LINK:
            return f"{self.address.client}→{self.address.server}"
        return self.node

    def unfit(self, system: System) -> str | None:
        """What of it the system does not have, None where it has all."""
        names = [node.name for node in system.nodes]
        there = f"there are {', '.join(names)}"
        if self.node not in names:
            return f"there is no node {self.node!r}; {there}"
        client, server = self.address.client, self.address.server
        if client not in {ANY, CLIENT, *names}:
            return f"there is no client {client!r}; {there}, and {CLIENT} for the workload's own"
        if server not in {ANY, *names}:
            return f"there is no server {server!r}; {there}"
        if server != ANY and system.node(server).role is Role.MARIADB:
            return (
                f"taps forward what {server} is told and do not read it: MariaDB's protocol has "
                "no points; strike at an effect on PostgreSQL, Kafka or HTTP instead"
            )
        return None

    def _check(self) -> None:
        """What is wrong whatever the system is. Raises DeclarationError."""
        action, address = self.action, self.address
        if action is Action.SWALLOW and self.trigger.when is When.BEFORE:
            raise DeclarationError(
                f"{self.text}: there is no answer to swallow before the effect; say after, or reset"
            )
        if action in _ANSWERING and address.kind == EffectKind.FLUSH.value:
            raise DeclarationError(f"{self.text}: nothing answers a flush")
        ends = {address.client, address.server}
        if action in ON_A_LINK and ANY not in ends and self.node not in ends:
            raise DeclarationError(
                f"{self.text}: {action.value} strikes the link {self.target}, and {self.node} is "
                f"neither end of it; name {address.client} or {address.server}"
            )
        if action is Action.CUT and address.client == CLIENT:
            raise DeclarationError(
                f"{self.text}: only links between nodes can be cut, and {CLIENT} is none; reset it"
            )
        if self.error is not None and address.kind in _CODES:
            form, wanted = _CODES[address.kind]
            if not re.fullmatch(form, self.error):
                raise DeclarationError(
                    f"{self.text}: {self.error!r} is no error of a {address.kind}; it takes {wanted}"
                )


def _action(text: str, asked: str) -> tuple[Action, float, str | None]:
    """The action with its duration and its error code."""
    name, given, value = asked.partition("=")
    try:
        action = Action(name)
    except ValueError:
        known = ", ".join(form_of(action) for action in Action)
        raise DeclarationError(f"{text}: there is no action {name!r}; there are {known}") from None
    if action is Action.ERROR:
        if not value:
            raise DeclarationError(f"{text}: error wants a code, as in error=40001")
        return action, 0.0, value
    if not given:
        return action, DURATIONS_S.get(action, 0.0), None
    if action not in DURATIONS_S:
        raise DeclarationError(f"{text}: {name} takes no value")
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) or float(value) <= 0:
        raise DeclarationError(f"{text}: {value!r} is no number of seconds; say {name}=2.5")
    return action, float(value), None


def form_of(action: Action) -> str:
    """The action as it is written, with the value that it takes: `kill`, `hold[=SECONDS]`."""
    value = "=CODE" if action is Action.ERROR else "[=SECONDS]" if action in DURATIONS_S else ""
    return f"{action.value}{value}"


def _when(text: str, asked: str) -> When:
    try:
        return When(asked)
    except ValueError:
        raise DeclarationError(
            f"{text}: {asked!r} is neither before nor after; the form of a point is {FORM}"
        ) from None


def _address(text: str, place: str) -> Address:
    try:
        address = Address.parse(place)
    except NoAddress as wrong:
        raise DeclarationError(f"{text}: {wrong}") from wrong
    kinds = [kind.value for kind in EffectKind]
    if address.kind not in {ANY, *kinds}:
        raise DeclarationError(
            f"{text}: there is no effect {address.kind!r}; there are {', '.join(kinds)}"
        )
    return address
