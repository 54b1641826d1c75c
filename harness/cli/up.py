"""`aftershock up`, `status`, `down`: the stack alone, for work by hand.

`up` leaves a keeper behind that holds the stack, and returns when everything answers.
"""

import asyncio
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.cli import backends, suites
from harness.cli import place as places
from harness.cli.matrix import scenarios_of, system_of
from harness.engine.rig import Rig
from harness.engine.stack import Stack
from harness.environments import publish
from harness.environments.builds import run_from
from harness.environments.recipes import mariadb
from harness.errors import AftershockError, DeclarationError, EnvironmentFailed, HarnessBug
from harness.model.scenario import Pattern
from harness.model.suite import Suite
from harness.model.system import ROLE_PORTS, Node, Role, System
from harness.protocols import NodeState
from harness.report.terminal import Progress
from harness.toolchain.cache import default_cache

_DOWN_TIMEOUT_S = 120.0
"""Containers go one by one, and on a busy machine each takes a second."""


def up(name: str, pattern_name: str | None, *, backend: str, offline: bool, as_json: bool) -> int:
    """Start the stack of one pattern and return when it is ready. Raises AftershockError."""
    backends.known(backend)
    suite = suites.load(name)
    chosen = pattern_name or _fullest(suite)
    scenarios_of(suite, [chosen], [], 0)
    pattern = suite.pattern(chosen)
    system = system_of(suite, pattern)
    tell = Progress().note
    where = backends.chosen(backends.decided(backend, tell), system, offline=offline, cache=None)
    system = run_from(system, where.builds)
    _refuse_second(where.cache, suite)
    where.clear(tell)
    published = publish.listen(system)
    told_read, told_write = os.pipe()
    if os.fork() == 0:
        os.close(told_read)
        _become_keeper(_Keeper(suite, pattern, system, where, published, told_write))
    os.close(told_write)
    for each in published:
        each.listener.close()
    told = _await(told_read)
    _print(told, as_json=as_json)
    return 0


def _fullest(suite: Suite) -> str:
    """For work by hand there should be everything: the first pattern with connectors, if any."""
    return next((p.name for p in suite.patterns if p.connectors), suite.patterns[0].name)


def _refuse_second(cache: Path, suite: Suite) -> None:
    for other in places.living(cache):
        if other.told.get("suite") == suite.name:
            raise DeclarationError(f"suite {suite.name} is up already; `aftershock down` ends it")


def _await(told_read: int) -> dict[str, Any]:
    """Show the keeper's progress until it says that it is ready, or what went wrong."""
    with os.fdopen(told_read, encoding="utf-8") as pipe, Progress() as progress:
        progress.phase("starting")
        for line in pipe:
            told: dict[str, Any] = json.loads(line)
            if "error" in told:
                kind = DeclarationError if told["usage"] else EnvironmentFailed
                raise kind(told["error"])
            if "ready" in told:
                return dict(told["ready"])
            progress.node(told["node"], told["state"])
    raise HarnessBug("the keeper ended without a word")


class _Keeper:
    """The process that stays behind; its stack lives as long as it does."""

    def __init__(
        self,
        suite: Suite,
        pattern: Pattern,
        system: System,
        backend: backends.Backend,
        published: tuple[publish.Published, ...],
        told: int,
    ) -> None:
        self._suite = suite
        self._pattern = pattern
        self._system = system
        self._backend = backend
        self._published = published
        self._told = told

    def keep(self) -> int:
        """Hold the stack until SIGTERM. Its place goes with it; that of one which was up and could
        not be ended as a whole stays, for `down` and `clean`."""
        place, code = None, 2
        try:
            place = places.take(self._backend.cache, self._backend.cache)
            held = place
            code = self._backend.run(lambda: asyncio.run(self._main(held)))
        except AftershockError as error:
            self._tell_error(error)
        finally:
            if place is not None and (code == 0 or not place.up.is_file()):
                place.remove()
        return code

    async def _main(self, place: places.Place) -> int:
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        making = self._backend.environment(
            self._system, place, place.path / "logs", self._changed, tapped=False
        )
        try:
            async with making as environment:
                await self._hold(environment, place, ended)
        except AftershockError as error:
            self._tell_error(error)
            return 2
        return 0

    async def _hold(self, environment: Rig, place: places.Place, ended: asyncio.Event) -> None:
        stack = Stack(environment, self._suite)
        try:
            await stack.open_for_hand_work(self._pattern, self._system)
            addresses = {n.name: environment.address(n.name) for n in self._system.nodes}
            passing = asyncio.create_task(publish.forward(self._published, addresses))
            info = self._info(environment, place)
            place.up.write_text(json.dumps(info), encoding="utf-8")
            self._tell({"ready": info})
            os.close(self._told)
            self._told = -1
            await ended.wait()
            passing.cancel()
            await asyncio.gather(passing, return_exceptions=True)
        finally:
            await stack.close()

    def _info(self, environment: Rig, place: places.Place) -> dict[str, Any]:
        return {
            "suite": self._suite.name,
            "pattern": self._pattern.name,
            "backend": self._backend.name,
            "logs": str(place.path / "logs"),
            "nodes": [
                {
                    "name": node.name,
                    "role": node.role.value,
                    "address": environment.address(node.name),
                    "ports": {
                        str(p.port): p.host_port for p in self._published if p.node == node.name
                    },
                    "connect": self._how(node),
                }
                for node in self._system.nodes
            ],
        }

    def _how(self, node: Node) -> str:
        ports = {p.port: p.host_port for p in self._published if p.node == node.name}
        env = node.environment
        match node.role:
            case Role.POSTGRES:
                user = env.get("POSTGRES_USER", "postgres")
                database = env.get("POSTGRES_DB", user)
                return (
                    f"psql postgresql://{user}:{env['POSTGRES_PASSWORD']}"
                    f"@{publish.LOOPBACK}:{ports[ROLE_PORTS[Role.POSTGRES]]}/{database}"
                )
            case Role.MARIADB:
                account = mariadb.user(node) or ("root", mariadb.root_password(node))
                return (
                    f"mariadb --host {publish.LOOPBACK} --port {ports[ROLE_PORTS[Role.MARIADB]]} "
                    f"--user {account[0]} --password={account[1]} {mariadb.database(node) or ''}"
                ).rstrip()
            case Role.KAFKA_CONNECT:
                return f"curl http://{publish.LOOPBACK}:{ports[ROLE_PORTS[Role.KAFKA_CONNECT]]}/connectors"
            case Role.SERVICE if ports:
                return f"curl http://{publish.LOOPBACK}:{next(iter(ports.values()))}/"
        return ""

    def _changed(self, node: str, state: NodeState) -> None:
        if self._told >= 0:
            self._tell({"node": node, "state": state.value})

    def _tell_error(self, error: AftershockError) -> None:
        self._tell({"error": str(error), "usage": isinstance(error, DeclarationError)})

    def _tell(self, told: Mapping[str, Any]) -> None:
        if self._told >= 0:
            os.write(self._told, (json.dumps(told) + "\n").encode())


def _become_keeper(keeper: _Keeper) -> None:
    """Leave the terminal and hold the stack; never returns."""
    code = 255
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        code = keeper.keep()
    except BaseException:  # noqa: BLE001 (the last frame of this process)
        traceback.print_exc()
    finally:
        os._exit(code)


def status(*, as_json: bool) -> int:
    """Print every stack that is up."""
    found = [dict(living.told) for living in places.living(default_cache()) if living.told]
    if as_json:
        print(json.dumps(found))
    elif not found:
        print("nothing is up; `aftershock up` starts the shop")
    else:
        for told in found:
            _print(told, as_json=False)
    return 0


def down() -> int:
    """End every stack that is up, and await its end."""
    found = [living for living in places.living(default_cache()) if living.told]
    for living in found:
        _end(living)
        print(f"{living.told['suite']} is down")
    if not found:
        print("nothing is up")
    return 0


def _end(living: places.Living) -> None:
    if not places.is_keeper(living):
        raise DeclarationError(
            f"{living.place.path}: its stack is kept in another PID namespace (a container?); "
            "call `aftershock down` there"
        )
    try:
        keeper = os.pidfd_open(living.keeper)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(keeper, signal.SIGTERM)
        if not select.select([keeper], [], [], _DOWN_TIMEOUT_S)[0]:
            signal.pidfd_send_signal(keeper, signal.SIGKILL)
            select.select([keeper], [], [], _DOWN_TIMEOUT_S)
    finally:
        os.close(keeper)
    # One that has ended well has left nothing.
    if living.place.path.exists():
        living.place.remove()
        backends.remove_left(living.told, living.place.path.name)


def _print(told: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(told))
        return
    print(
        f"{told['suite']} is up in {told['backend']}, pattern {told['pattern']}; "
        f"logs in {told['logs']}"
    )
    for node in told["nodes"]:
        ports = ", ".join(f"{p} → {publish.LOOPBACK}:{h}" for p, h in node["ports"].items())
        print(f"  {node['name']:<14} {node['address']:<14} {ports}")
        if node["connect"]:
            print(f"    {node['connect']}")
    print("`aftershock down` ends it", file=sys.stderr)
