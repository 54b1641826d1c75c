"""Rules laid by sandboxes: what each is asked, and what is made of its answers."""

from typing import Any, cast

from harness.environments.docker.rules import SandboxRules
from harness.environments.docker.sandboxes import Sandbox

ADDRESSES = {"order": "198.18.0.10", "db": "198.18.0.11"}
TAPS = {("order", "db"): "127.77.0.11", ("db", "order"): "127.77.0.10"}


class Asked:
    """A sandbox that remembers, and counts three packets in every rule."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def ask(self, do: str, /, **given: Any) -> Any:
        self.heard.append((do, given))
        return [[3, 180], [1, 60]] if do == "counted" else None


def rules(taps: dict[tuple[str, str], str]) -> tuple[SandboxRules, Asked, Asked]:
    """Of two nodes."""
    order, db = Asked(), Asked()
    sandboxes = cast("dict[str, Sandbox]", {"order": order, "db": db})
    return SandboxRules(sandboxes, ADDRESSES, taps), order, db


def test_a_cut_is_laid_at_the_server() -> None:
    """And, with taps, at the client's side of its own tap."""
    made, order, db = rules(TAPS)
    made.cut("order", "db")

    assert ("drop", {"table": "cut-order", "peers": ("198.18.0.10", "127.77.0.10")}) in db.heard
    assert ("drop", {"table": "tap-cut-db", "peers": ("127.77.0.11",)}) in order.heard
    assert made.cuts == {("order", "db")}


def test_without_taps_the_client_is_not_asked() -> None:
    """There is nothing to drop at its side."""
    made, order, db = rules({})
    made.cut("order", "db")
    made.mend("order", "db")

    assert order.heard == []
    assert db.heard[-1] == ("remove", {"table": "cut-order"})
    assert made.cuts == frozenset()


def test_what_was_swallowed_is_the_sum() -> None:
    """Over both sides' rules."""
    made, _, _ = rules(TAPS)
    made.cut("order", "db")
    lost = made.dropped("order", "db")

    assert (lost.packets, lost.bytes) == (8, 480)


def test_attempts_past_a_tap_are_told_once() -> None:
    """As the counter grows."""
    order, db = Asked(), Asked()
    sandboxes = cast("dict[str, Sandbox]", {"order": order, "db": db})
    made = SandboxRules(sandboxes, ADDRESSES, {("order", "db"): "127.77.0.11"})
    order.ask = lambda do, **_given: [[2, 120]] if do == "counted" else None  # type: ignore[method-assign]
    db.ask = lambda do, **_given: [] if do == "counted" else None  # type: ignore[method-assign]
    made.watch()

    assert made.past_taps() == {("order", "db"): 2}
    assert made.past_taps() == {}
