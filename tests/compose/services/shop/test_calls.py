"""Calls to the other services: in order, undone when one fails, and said again when one is silent."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event as Flag

import pytest

from compose.services.shop.calls import CallFailed, Calls
from compose.services.shop.events import CANCELLED, PLACED, Event
from compose.services.shop.web import Reply, Server

PLACING = Event.new(PLACED, "17", "anvil", 2, 1)
CANCELLING = Event.new(CANCELLED, "17", "anvil", 2, 2)

Said = list[tuple[str, str, int]]
"""(who was told, type, version), in the order in which they were told."""


class Others:
    """Services that write down what they are told. `failing` answer 500, `silent` ones nothing."""

    def __init__(self) -> None:
        self.said: Said = []
        self.ids: list[str] = []
        self.failing: set[str] = set()
        self.failing_to_undo: set[str] = set()
        self.silent: set[str] = set()
        self.over = Flag()
        self.ports: dict[str, int] = {}

    def serve(self, name: str) -> Server:
        def route(method: str, path: str, body: bytes) -> Reply:
            assert (method, path) == ("POST", "/events")
            told = json.loads(body)
            self.said.append((name, told["type"], told["version"]))
            self.ids.append(told["event_id"])
            if name in self.silent:
                self.over.wait(10)
            undoing = told["type"] == CANCELLED
            failing = self.failing_to_undo if undoing else self.failing
            return Reply(status=500 if name in failing else 200, body={})

        server = Server(0, route)
        self.ports[name] = server.server_address[1]
        return server

    def calls(self, *names: str) -> Calls:
        return Calls([("127.0.0.1", self.ports[name]) for name in names], timeout_s=0.2)


@contextmanager
def others(*names: str) -> Iterator[Others]:
    """Servers of these names."""
    made = Others()
    with ExitStack() as stack:
        for name in names:
            server = made.serve(name)
            stack.callback(server.server_close)
            stack.callback(server.drain)
        stack.callback(made.over.set)
        yield made


def test_every_service_is_told_in_order() -> None:
    """One after the other, the same event."""
    with others("a", "b", "c") as shop:
        shop.calls("a", "b", "c").tell(PLACING)
    assert shop.said == [(name, PLACED, 1) for name in "abc"]
    assert set(shop.ids) == {PLACING.event_id}


def test_those_before_an_error_are_undone() -> None:
    """The latest first; the one that failed is believed to have done nothing, later ones were not
    told."""
    with others("a", "b", "c", "d") as shop:
        shop.failing = {"c"}
        with pytest.raises(CallFailed, match="answers 500"):
            shop.calls("a", "b", "c", "d").tell(PLACING)
    assert shop.said[2:] == [("c", PLACED, 1), ("b", CANCELLED, 2), ("a", CANCELLED, 2)]


def test_a_cancellation_is_undone_by_placing_again() -> None:
    """As the order's next version."""
    with others("a", "b") as shop:
        shop.failing_to_undo = {"b"}
        with pytest.raises(CallFailed):
            shop.calls("a", "b").tell(CANCELLING)
    assert shop.said[-1] == ("a", PLACED, 3)


def test_a_service_that_is_down_fails_at_once() -> None:
    """A refusal is no silence: nothing is said twice."""
    with others("a", "b") as shop:
        pass
    with pytest.raises(CallFailed, match="refused"):
        shop.calls("a").tell(PLACING)


def test_a_silent_service_is_told_again_under_another_id() -> None:
    """The classical defect: it may have done it the first time, and can't know the second."""
    with others("a", "b") as shop:
        shop.silent = {"b"}
        with pytest.raises(CallFailed, match="does not answer"):
            shop.calls("a", "b").tell(PLACING)
        assert [name for name, _, _ in shop.said] == ["a", "b", "b", "a"]
        assert shop.ids[1] == PLACING.event_id != shop.ids[2]


def test_an_undoing_that_fails_is_given_up() -> None:
    """It is tried at the others all the same, and stays half done."""
    with others("a", "b", "c") as shop:
        shop.failing = {"c"}
        shop.failing_to_undo = {"b"}
        with pytest.raises(CallFailed, match="answers 500"):
            shop.calls("a", "b", "c").tell(PLACING)
    assert shop.said[3:] == [("b", CANCELLED, 2), ("a", CANCELLED, 2)]
