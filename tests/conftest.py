"""The whole session lives in an outer namespace of its own, where real servers may run.

pytest goes on as PID 1 of a network, mount and PID namespace (`outer.enter`): tests marked
`stack` reach their servers, nothing of the machine is touched, and whatever way the session
ends, nothing is left. What such tests need is fetched before, for there is no way out from
inside. Where any of this is refused, they fail with the reason and the others run. In a parallel
session this holds of each worker (`tests/inside.py`).
"""

import asyncio
import getpass
import os
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from harness.environments import compose
from harness.environments.builds import built
from harness.environments.namespaces import Namespaces
from harness.errors import AftershockError
from harness.toolchain import Component, Toolchain, ensure, is_built, toxiproxy
from harness.toolchain.cache import default_cache
from tests.inside import INSIDE, REFUSED, go_inside

T = TypeVar("T")

_WHY_NOT = pytest.StashKey[str]()
_CLIENTS = Path(__file__).resolve().parent / "clients"
"""Tests of programs that have to be built, which needs a network where it was not done yet."""
_POLYGLOT = Path(__file__).resolve().parent / "harness" / "cli" / "test_polyglot.py"
_TOXIPROXY = (
    Path(__file__).resolve().parent / "harness" / "engine" / "test_detours.py",
    Path(__file__).resolve().parent / "harness" / "cli" / "test_toxics.py",
)
_SHOP = Path(__file__).resolve().parents[1] / "compose" / "shop.yaml"
_UNBUILT = pytest.StashKey[str]()
_NAMES = {_WHY_NOT: "why_not", _UNBUILT: "unbuilt"}
"""What a parallel session tells its workers."""
_BUILD_TIMEOUT_S = 1500.0
_CALL_TIMEOUT_S = 120.0


_IN_DOCKER = "AFTERSHOCK_IN_DOCKER"
"""Set by scripts/check-docker: only tests that need a Docker Engine, on the machine itself."""
collect_ignore = [] if _IN_DOCKER in os.environ else ["in_docker"]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before the first test, and before any thread: only a process with one thread can enter."""
    told = getattr(config, "workerinput", {})
    for key in (_WHY_NOT, _UNBUILT):
        if reason := told.get(_NAMES[key]):
            config.stash[key] = reason
    if REFUSED in os.environ:
        config.stash[_WHY_NOT] = os.environ[REFUSED]
    stay = bool(told) or INSIDE in os.environ or _IN_DOCKER in os.environ
    if stay or config.option.collectonly or config.option.help:
        return
    # As uid 0 inside, an ordinary user would share the temporary directory of the real root.
    os.environ.setdefault("LOGNAME", getpass.getuser())
    try:
        if config.option.markexpr != "not stack":
            _fetch(config)
        # In a parallel session the workers have the tests, and enter by themselves.
        if not config.getoption("tx", None):
            go_inside()
    except AftershockError as reason:
        config.stash[_WHY_NOT] = str(reason)


def _fetch(config: pytest.Config) -> None:
    """What tests marked `stack` need, as far as it is not there yet. Raises AftershockError."""
    ensure(components=[part for part in Component if is_built(part)])
    if _may_collect(config, _CLIENTS):
        _build_clients(config)
    if any(_may_collect(config, file) for file in _TOXIPROXY):
        toxiproxy.ensure(default_cache(), offline=False)
    if _may_collect(config, _POLYGLOT):
        polyglot = compose.read(_SHOP, environ={}).under_profile("polyglot")
        built(polyglot, default_cache(), offline=False)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """What could not be had is said to each worker, whose tests fail with it."""
    for key, name in _NAMES.items():
        node.workerinput[name] = node.config.stash.get(key, None)


def _may_collect(config: pytest.Config, folder: Path) -> bool:
    """Whether the arguments name the folder, something in it or something that it is in."""
    places = (config.invocation_params.dir / told.partition("::")[0] for told in config.args)
    return any(
        folder.is_relative_to(place) or place.is_relative_to(folder)
        for place in (place.resolve() for place in places)
    )


def _build_clients(config: pytest.Config) -> None:
    """In a process of its own, which may have threads."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.clients.build"],
        cwd=_CLIENTS.parents[1],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_BUILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        config.stash[_UNBUILT] = done.stderr


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that cannot have its servers or its programs fails; it is never passed over."""
    why_not = item.config.stash.get(_WHY_NOT, None)
    if why_not is None and item.path.is_relative_to(_CLIENTS):
        why_not = item.config.stash.get(_UNBUILT, None)
    if why_not is not None and item.get_closest_marker("stack"):
        pytest.fail(why_not, pytrace=False)


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """Everything that the lock names, from the cache."""
    return ensure(offline=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """One PostgreSQL (user and password `shop`), one broker, one Connect worker with Debezium,
    each `host:port`. Whatever is in them may be destroyed."""

    postgres: str
    kafka: str
    connect: str
    environment: Namespaces
    """With nodes `db`, `kafka-1` and `connect`; use it through `run` only."""
    loop: asyncio.AbstractEventLoop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it where the environment lives."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(_CALL_TIMEOUT_S)

    @contextmanager
    def frozen(self, node: str) -> Iterator[None]:
        """While this is entered, no process of the node moves."""
        self.run(self.environment.freeze(node))
        try:
            yield
        finally:
            self.run(self.environment.thaw(node))


@pytest.fixture(scope="session")
def servers(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Started when the first test asks, ended with the session."""
    directory = tmp_path_factory.mktemp("servers")
    up: Future[Servers] = Future()
    down: Future[None] = Future()

    async def main() -> None:
        system = compose.read(Path(__file__).with_name("servers.yaml"), environ={})
        nodes = Namespaces(system, toolchain, directory=directory / "n", logs=directory / "logs")
        async with nodes:
            await nodes.start([node.name for node in system.nodes])
            told = Servers(
                postgres=f"{nodes.address('db')}:5432",
                kafka=f"{nodes.address('kafka-1')}:9092",
                connect=f"{nodes.address('connect')}:8083",
                environment=nodes,
                loop=asyncio.get_running_loop(),
            )
            up.set_result(told)
            await asyncio.wrap_future(down)

    def work() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            if up.done():
                raise
            up.set_exception(error)

    thread = threading.Thread(target=work, name="servers")
    thread.start()
    try:
        yield up.result()
    finally:
        down.set_result(None)
        thread.join()
