import socket

import pytest

from harness.model.address import Address
from harness.model.cut import Reached, Trigger, When
from harness.model.effect import Effect, EffectKind, Outcome, Position
from harness.tap.messages import (
    Inbox,
    effect_json,
    effect_of,
    encode,
    reached_json,
    reached_of,
    trigger_json,
    trigger_of,
)

EFFECT = Effect(
    number=7, client="relay", server="kafka-1", connection=3, kind=EffectKind.PRODUCE,
    detail=("order.events",), keys=("1/7", "18"),
    addresses=(
        Address.parse("relay/kafka-1/produce(order.events)/1%2F7#1"),
        Address.parse("relay/kafka-1/produce(order.events)/18#2"),
    ),
    positions=(
        Position(topic="order.events", partition=2, keys=("1/7", "18")),
        Position(topic="order.events", partition=1, batch=(4000, 0, 7), moved=True),
    ),
)  # fmt: skip


def test_an_effect_comes_back_as_it_was() -> None:
    assert effect_of(effect_json(EFFECT)) == EFFECT


def test_a_reached_point_comes_back_as_it_was() -> None:
    reached = Reached(
        effect=EFFECT, address=EFFECT.addresses[1], when=When.AFTER, outcome=Outcome.ACKNOWLEDGED,
        earlier=2, doubtful=1, unanswered=(EFFECT,), held_bytes=99, gated=("relay",),
    )  # fmt: skip
    assert reached_of(reached_json(reached)) == reached


def test_a_trigger_comes_back_as_it_was() -> None:
    address = Address.parse("a/b/commit(orders,*)")
    trigger = Trigger(
        when=When.BEFORE, address=address, passed=frozenset({"17", "3"}), passed_s=0.5
    )
    assert trigger_of(trigger_json(trigger)) == trigger


def test_messages_come_whole_however_they_are_cut() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        inbox = Inbox(theirs)
        line = encode({"id": 1, "do": "arm"})
        ours.sendall(line[:5])
        assert list(inbox.receive()) == []
        ours.sendall(line[5:] + encode({"id": 2}))
        assert list(inbox.receive()) == [{"id": 1, "do": "arm"}, {"id": 2}]
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises(EOFError):
            list(inbox.receive())


def test_a_descriptor_comes_with_its_message() -> None:
    ours, theirs = socket.socketpair()
    one, other = socket.socketpair()
    with ours, theirs, one, other:
        socket.send_fds(ours, [encode({"id": 1, "fd": True})], [one.fileno()])
        inbox = Inbox(theirs)
        assert next(inbox.receive())["fd"] is True
        with socket.socket(fileno=inbox.descriptor()) as same:
            same.sendall(b"x")
            assert other.recv(1) == b"x"
