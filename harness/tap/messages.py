"""What harness and tap say to each other: lines of JSON, a descriptor beside one where needed.

The harness asks (`{"id": 7, "do": "arm", …}`) and gets one answer (`{"id": 7, …}`, with `error`
where it could not be done). The tap tells (`{"event": "reached", …}`) what it was armed for.
"""

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.model.address import Address
from harness.model.cut import Reached, Trigger, When
from harness.model.effect import Effect, EffectKind, Outcome, Position

Message = Mapping[str, Any]


def encode(message: Message) -> bytes:
    """One line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class Inbox:
    """Lines and descriptors as they come out of a Unix stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._text = b""
        self._fds: list[int] = []

    def receive(self) -> Iterator[Message]:
        """Every message that is whole after one read. Raises EOFError at the other's end, and
        BlockingIOError where nothing is there."""
        data, fds, _, _ = socket.recv_fds(self._sock, 1 << 20, 16)
        self._fds += fds
        if not data:
            raise EOFError
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            yield json.loads(line)

    def descriptor(self) -> int:
        """The descriptor that came with the message just yielded."""
        return self._fds.pop(0)


def trigger_json(trigger: Trigger) -> dict[str, Any]:
    """A trigger as JSON."""
    return {
        "when": trigger.when.value,
        "address": trigger.address.text,
        "passed": sorted(trigger.passed),
        "passed_s": trigger.passed_s,
    }


def trigger_of(told: Message) -> Trigger:
    """And back."""
    return Trigger(
        when=When(told["when"]),
        address=Address.parse(told["address"]),
        passed=frozenset(told["passed"]),
        passed_s=told["passed_s"],
    )


def effect_json(effect: Effect) -> dict[str, Any]:
    """An effect as JSON."""
    return {
        "number": effect.number,
        "client": effect.client,
        "server": effect.server,
        "connection": effect.connection,
        "kind": effect.kind.value,
        "detail": list(effect.detail),
        "keys": list(effect.keys),
        "addresses": [a.text for a in effect.addresses],
        "positions": [
            [p.topic, p.partition, p.offset, list(p.keys), p.batch, p.moved]
            for p in effect.positions
        ],
        "group": effect.group,
        "slot": effect.slot,
        "lsn": effect.lsn,
        "transactional_id": effect.transactional_id,
        "is_answered": effect.is_answered,
    }


def effect_of(told: Message) -> Effect:
    """And back."""
    return Effect(
        number=told["number"],
        client=told["client"],
        server=told["server"],
        connection=told["connection"],
        kind=EffectKind(told["kind"]),
        detail=tuple(told["detail"]),
        keys=tuple(told["keys"]),
        addresses=tuple(Address.parse(text) for text in told["addresses"]),
        positions=tuple(
            Position(
                topic=topic,
                partition=partition,
                offset=offset,
                keys=tuple(keys),
                batch=None if batch is None else tuple(batch),
                moved=moved,
            )
            for topic, partition, offset, keys, batch, moved in told["positions"]
        ),
        group=told["group"],
        slot=told["slot"],
        lsn=told["lsn"],
        transactional_id=told["transactional_id"],
        is_answered=told["is_answered"],
    )


def reached_json(reached: Reached) -> dict[str, Any]:
    """A point that was reached, as JSON."""
    return {
        "effect": effect_json(reached.effect),
        "address": reached.address.text,
        "when": reached.when.value,
        "outcome": reached.outcome.value,
        "earlier": reached.earlier,
        "doubtful": reached.doubtful,
        "others": [[list(detail), number] for detail, number in reached.others.items()],
        "unanswered": [effect_json(e) for e in reached.unanswered],
        "held_bytes": reached.held_bytes,
        "gated": list(reached.gated),
    }


def reached_of(told: Message) -> Reached:
    """And back."""
    return Reached(
        effect=effect_of(told["effect"]),
        address=Address.parse(told["address"]),
        when=When(told["when"]),
        outcome=Outcome(told["outcome"]),
        earlier=told["earlier"],
        doubtful=told["doubtful"],
        others={tuple(detail): number for detail, number in told["others"]},
        unanswered=_effects(told["unanswered"]),
        held_bytes=told["held_bytes"],
        gated=tuple(told["gated"]),
    )


def _effects(told: Sequence[Message]) -> tuple[Effect, ...]:
    return tuple(effect_of(effect) for effect in told)
