"""What every environment has in common between nodes, by one that is made of literals."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from harness.environments.between import Between
from harness.environments.rules import Rules
from harness.environments.sockets import Connection
from harness.model.system import Node, Role, System
from harness.protocols import RoundTap

T = TypeVar("T")

ORDER = Node(name="order", role=Role.SERVICE, labels={"aftershock.ready": "8080/health"})
DB = Node(name="db", role=Role.POSTGRES)
SYSTEM = System(name="test", path=Path("test.yaml"), nodes=(ORDER, DB))


class NoRules(Rules):
    """Two attempts past each tap, ever."""

    def __init__(self) -> None:
        super().__init__({("order", "db"): "127.77.0.11"})
        self._addresses.update({"order": "10.0.0.0", "db": "10.0.0.1"})

    def _at(self, _node: str, _act: "partial[T]") -> Any:
        return None

    def _sockets(self, _node: str) -> list[str]:
        return []

    def past_taps(self) -> dict[tuple[str, str], int]:
        return {("order", "db"): 2}


class Made(Between):
    """Addresses by index."""

    def __init__(self, *, tapped: bool) -> None:
        super().__init__(SYSTEM, tapped=tapped)
        self._rules = NoRules()

    @property
    def rules(self) -> Rules:
        return self._rules

    def _own(self, index: int) -> str:
        return f"10.0.0.{index}"

    def _tap(self, client: int | None, server: int) -> str:
        return f"10.1.{client}.{server}"

    async def established(self, _node: str) -> frozenset[Connection]:
        return frozenset()


def test_nodes_and_taps_are_where_the_environment_puts_them() -> None:
    """The general part asks for addresses and makes links of them."""
    made = Made(tapped=True)
    links = {(link.client, link.server): link for link in made.links()}

    assert made.address("db") == "10.0.0.1"
    assert made.tap_address(None, "order") == "10.1.None.0"
    assert (links["order", "db"].listen, links["order", "db"].address) == ("10.1.0.1", "10.0.0.1")


def test_without_taps_there_are_none() -> None:
    """And nobody is counted."""
    made = Made(tapped=False)

    assert (len(made.links()), len(made.direct_links())) == (0, 0)
    assert asyncio.run(made.round_the_taps()) == ()
    assert asyncio.run(Made(tapped=True).round_the_taps()) == (
        RoundTap(client="order", server="db", packets=2),
    )


def test_cuts_are_made_across_groups_and_mended_at_once() -> None:
    """Whatever they are made of."""
    made = Made(tapped=True)

    async def cut_and_mend() -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
        await made.cut_groups(["order"], ["db"])
        cut = made.cuts
        await made.mend_all()
        return cut, made.cuts

    cut, mended = asyncio.run(cut_and_mend())
    assert (set(cut), set(mended)) == ({("order", "db")}, set())
