"""Nodes that begin, end, come back and are asked, in an environment of a few lines."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.environments import keeping
from harness.environments.keeping import Keeping
from harness.environments.life import Life
from harness.environments.recipes.base import NotReady
from harness.errors import EnvironmentFailed
from harness.model.system import Node, Role
from harness.protocols import NodeState
from harness.testing import eventually

Test = Callable[["Made"], Awaitable[None]]


class Lived(Life):
    """A node that runs until it is told of its end."""

    def __init__(self, log: Path, node: Node) -> None:
        super().__init__(log, lambda _node, _state: None)
        self._node = node
        self.began = 0
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def node(self) -> Node:
        return self._node


class Made(Keeping[Lived]):
    """One node, `n`."""

    _ASKED_EVERY_S = 0.001

    def __init__(self, folder: Path, role: Role, restart: str) -> None:
        self.life = Lived(folder / "log", Node(name="n", role=role, restart=restart))
        self._nodes = {"n": self.life}
        self.answers = False

    def pid(self, _node: str) -> int | None:
        return None if self.life.ended.done() else 7

    async def _begin(self, life: Lived) -> None:
        life.began += 1
        life.ended = asyncio.get_running_loop().create_future()

    async def _end_of(self, life: Lived) -> int:
        return await asyncio.shield(life.ended)

    async def _ask(self, _life: Lived) -> None:
        if not self.answers:
            raise NotReady("HTTP 503")

    async def launch(self) -> None:
        await self._launch("n")

    async def end(self, code: int) -> None:
        """Of what runs now; until somebody has taken note of it."""
        ended, began = self.life.ended, self.life.began
        ended.set_result(code)
        await eventually(lambda: self.life.began > began or self.has_gone())

    def has_gone(self) -> bool:
        return self.life.keeper is not None and self.life.keeper.done()


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restarts need not wait here."""
    monkeypatch.setattr(keeping, "_RESTART_DELAY_S", 0.001)


def run(folder: Path, test: Test, *, role: Role = Role.POSTGRES, restart: str = "always") -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            made = Made(folder, role, restart)
            await test(made)
            if made.life.keeper is not None:
                made.life.keeper.cancel()

    asyncio.run(bounded())


def test_a_node_that_ends_by_itself_comes_back_and_it_is_told_once(tmp_path: Path) -> None:
    """By its restart policy."""

    async def test(made: Made) -> None:
        await made.launch()
        await made.launch()
        assert made.life.began == 1
        for code in (3, 4):
            await made.end(code)
        assert (made.life.began, made.restarts("n")) == (3, 2)
        assert made.state("n") is NodeState.STARTING
        assert made.unexpected_ends(["n"]) == (("n", 3), ("n", 4))
        assert made.unexpected_ends(["n"]) == ()

    run(tmp_path, test)


def test_without_a_policy_it_stays_away(tmp_path: Path) -> None:
    """And is said to have ended."""

    async def test(made: Made) -> None:
        await made.launch()
        await made.end(3)
        assert (made.has_gone(), made.state("n"), made.life.began) == (True, NodeState.EXITED, 1)
        assert made.unexpected_ends(["n"]) == (("n", 3),)

    run(tmp_path, test, restart="no")


def test_what_the_harness_has_killed_it_starts_again_when_it_lets_go(tmp_path: Path) -> None:
    """Whatever the policy; nobody is surprised by such an end."""

    async def test(made: Made) -> None:
        await made.launch()
        made.life.released.clear()
        made.life.enter(NodeState.HELD_DOWN)
        made.life.ended.set_result(137)
        for _ in range(20):
            await asyncio.sleep(0)
        assert (made.life.began, made.state("n")) == (1, NodeState.HELD_DOWN)
        await made.release("n")
        await eventually(lambda: made.restarts("n") == 1)
        assert made.unexpected_ends(["n"]) == ()

    run(tmp_path, test, restart="no")


def test_ready_is_what_answers_and_runs(tmp_path: Path) -> None:
    """What does not in time is told with what it said."""

    async def test(made: Made) -> None:
        await made.launch()
        with pytest.raises(EnvironmentFailed, match=r"n was not ready .*last answer: HTTP 503"):
            await made.wait_ready("n", 0.01)
        made.answers = True
        await made.wait_ready("n", 5)
        assert made.state("n") is NodeState.READY

    run(tmp_path, test)


@pytest.mark.parametrize("role", [Role.POSTGRES, Role.SERVICE])
def test_a_server_that_ends_again_and_again_is_given_up(role: Role, tmp_path: Path) -> None:
    """A service may be waiting for one."""

    async def test(made: Made) -> None:
        await made.launch()
        waiting = asyncio.create_task(made.wait_ready("n", 10))
        await asyncio.sleep(0)
        for _ in range(3):
            await made.end(1)
        if role is Role.POSTGRES:
            with pytest.raises(EnvironmentFailed, match="n ended before it was ready"):
                await waiting
        else:
            made.answers = True
            await waiting

    run(tmp_path, test, role=role)
