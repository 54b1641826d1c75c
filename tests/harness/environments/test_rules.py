"""Which tables lie where, by rules that are written down instead of laid."""

from functools import partial
from typing import Any, TypeVar

from harness.environments.nft import Counted
from harness.environments.rules import Rules

T = TypeVar("T")

ADDRESSES = {"a": "198.18.0.10", "b": "198.18.0.11"}


class Written(Rules):
    """Node → its tables; every rule has met one packet."""

    def __init__(self, taps: dict[tuple[str, str], str]) -> None:
        super().__init__(taps)
        self._addresses.update(ADDRESSES)
        self.tables: dict[tuple[str, str], tuple[str, ...]] = {}
        self.met = 1

    def _at(self, node: str, act: "partial[T]") -> Any:
        where = node, act.keywords["table"]
        match act.func.__name__:
            case "counted":
                peers = self.tables.get(where, ())
                return tuple(Counted(packets=self.met, bytes=40) for _ in peers)
            case "remove":
                return self.tables.pop(where, None)
        self.tables[where] = act.keywords["peers"]
        return None

    def _sockets(self, _node: str) -> list[str]:
        return []


def test_a_cut_lies_at_the_server_and_is_taken_away_again() -> None:
    """Twice the same cut is one."""
    rules = Written({})
    rules.cut("a", "b")
    rules.cut("a", "b")

    assert rules.tables == {("b", "cut-a"): ("198.18.0.10",)}
    assert rules.dropped("a", "b").packets == 1
    rules.mend("a", "b")
    rules.mend("a", "b")
    assert (rules.tables, rules.cuts) == ({}, frozenset())


def test_with_taps_what_goes_to_them_is_dropped_too() -> None:
    """On both sides: who is dialled may dial."""
    rules = Written({("a", "b"): "198.19.10.11", ("b", "a"): "198.19.11.10"})
    rules.cut("a", "b")

    assert rules.tables == {
        ("b", "cut-a"): ("198.18.0.10", "198.19.11.10"),
        ("a", "tap-cut-b"): ("198.19.10.11",),
    }
    assert rules.dropped("a", "b").packets == 3


def test_a_network_that_goes_takes_its_counts_along() -> None:
    """What was counted in there is kept, and no attempt is told twice."""
    rules = Written({("a", "b"): "198.19.10.11"})
    rules.watch()
    rules._keep_counts("a")
    assert rules.past_taps() == {("a", "b"): 2}
    assert rules.past_taps() == {}
    rules.met = 3
    assert rules.past_taps() == {("a", "b"): 2}


def test_a_new_network_gets_the_rules_of_the_old_one() -> None:
    """Its cuts, and what is counted."""
    rules = Written({})
    rules.cut("a", "b")
    before = dict(rules.tables)
    rules.tables.clear()
    rules._lay_rules("b")

    assert rules.tables == before
