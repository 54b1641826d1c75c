"""A restart of connectors and a kill of their worker, on the real Connect with Debezium."""

from collections.abc import Coroutine, Iterator
from typing import Any, Protocol, TypeVar

import pytest

from faults import connector as faults_connector
from faults.connector import ConnectorRestart
from faults.kill import Kill
from harness.drivers.connect import Connect
from harness.drivers.postgres import Postgres
from harness.engine.stage import WorkerControl
from harness.model.scenario import Pattern
from harness.protocols import Environment
from harness.stage import Change, Stage

T = TypeVar("T")

NAME = "faults-test"
DATABASE = "faults_test"


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...
    @property
    def connect(self) -> str: ...
    @property
    def environment(self) -> Environment: ...
    def run(self, coroutine: Coroutine[Any, Any, T]) -> T: ...


class Silent:
    """Asks nothing: neither fault needs a store."""

    async def committed(self) -> frozenset[Change]:
        return frozenset()

    async def published(self) -> frozenset[Change]:
        return frozenset()


class Rig:
    """One connector that runs, and what faults may do to it."""

    def __init__(self, servers: Servers) -> None:
        self.host = servers.postgres.partition(":")[0]
        self.database = Postgres(self.host, user="shop", password="shop")
        self.worker = Connect(servers.connect.partition(":")[0])
        self.control = WorkerControl(self.worker, {"db": self.database})
        self.stage = Stage(
            environment=servers.environment,
            system=servers.environment.system,
            pattern=Pattern(name="p", promises="", writer="db", publisher="connect"),
            witness=Silent(),
            connectors={"connect": self.control},
        )

    async def up(self) -> None:
        """Register the connector on a database of its own."""
        await self.database.drop_slots()
        await self.database.query(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        await self.database.query(f"CREATE DATABASE {DATABASE}")
        await self.database.query("CREATE TABLE t (id int PRIMARY KEY)", database=DATABASE)
        await self.worker.put_config(
            NAME,
            {
                "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
                "database.hostname": self.host,
                "database.port": "5432",
                "database.user": "shop",
                "database.password": "shop",
                "database.dbname": DATABASE,
                "topic.prefix": "faultstest",
                "plugin.name": "pgoutput",
                "slot.name": "faults_test",
                "snapshot.mode": "no_data",
                "slot.drop.on.stop": "false",
            },
        )
        await self.worker.wait_running(NAME, 30)

    async def down(self) -> None:
        """Leave nothing of it."""
        await self.worker.stop(NAME)
        await self.worker.delete_offsets(NAME)
        await self.worker.delete(NAME)
        await self.database.drop_slots()
        await self.database.query(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        await self.worker.close()
        await self.database.close()


@pytest.fixture(scope="module")
def rig(servers: Servers) -> Iterator[Rig]:
    """For all tests of the file: each leaves the connector running."""

    async def make() -> Rig:
        rig = Rig(servers)
        await rig.up()
        return rig

    made = servers.run(make())
    yield made
    servers.run(made.down())


@pytest.mark.stack
def test_a_restart_shows_and_proves_itself(servers: Servers, rig: Rig) -> None:
    """Another process serves the slot: before, during and after are shown."""

    async def run() -> list[Any]:
        fault = ConnectorRestart(rig.stage, worker="connect")
        steps = [(await fault.before()).shown, await fault.inject(), (await fault.during()).shown]
        for _ in range(2):
            await fault.heal()
        return [*steps, (await fault.after()).shown, dict(fault.achieved()), dict(fault.undo())]

    assert servers.run(run()) == [
        True, True, True, True, {"restarted": [NAME]}, {"await-running": "connect"}
    ]  # fmt: skip


@pytest.mark.stack
def test_a_restart_that_does_nothing_is_called_out(
    servers: Servers, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connector runs on: the same process serves the slot."""
    monkeypatch.setattr(faults_connector, "_EFFECT_TIMEOUT_S", 0.3)

    async def run() -> list[Any]:
        fault = ConnectorRestart(rig.stage, worker="connect")
        before, during = await fault.before(), await fault.during()
        return [before.shown, during.shown, "same process as before" in during.says]

    assert servers.run(run()) == [True, False, True]


@pytest.mark.stack
def test_a_worker_without_connectors_is_no_target(
    servers: Servers, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before says so: a restart of nothing would be shown by nothing."""
    monkeypatch.setattr(faults_connector, "_EFFECT_TIMEOUT_S", 0.3)

    async def run() -> list[Any]:
        await rig.down()
        bare = Rig(servers)
        fault = ConnectorRestart(bare.stage, worker="connect")
        before = await fault.before()
        rig.__init__(servers)  # type: ignore[misc]
        await rig.up()
        await bare.worker.close()
        await bare.database.close()
        return [before.shown, before.says]

    assert servers.run(run()) == [False, "connectors do not run; no slot"]


@pytest.mark.stack
def test_a_kill_of_the_worker_shows_and_proves_itself(servers: Servers, rig: Rig) -> None:
    """The worker dies, its slot has nobody, it comes back and streams again."""

    async def run() -> list[Any]:
        lame = Kill(rig.stage, node="connect", name="connect-kill")
        seen: list[Any] = [(await lame.before()).shown, (await lame.during()).shown]
        fault = Kill(rig.stage, node="connect", name="connect-kill")
        seen += [(await fault.before()).shown, await fault.inject(), (await fault.during()).shown]
        seen.append(await rig.control.running())
        for _ in range(2):
            await fault.heal()
        seen.append((await fault.after()).shown)
        await rig.worker.wait_running(NAME, 60)
        return seen

    assert servers.run(run()) == [True, False, True, True, True, False, True]
