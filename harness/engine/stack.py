"""The running stack of one run: its servers go on from scenario to scenario, its data does not.

Servers (databases, broker, Connect) are started once. Between scenarios services are ended,
connectors with their offsets and slots removed, databases put back from templates, or started anew
where their make has none, and topics and groups deleted, so that every scenario begins with what the compose file and its scripts made.
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path

from harness.drivers.connect import Connect
from harness.drivers.kafka import Kafka
from harness.drivers.mariadb import MariaDB
from harness.drivers.postgres import Postgres
from harness.drivers.wal import WalLedger
from harness.engine.detours import Detours
from harness.engine.failures import LinkFailures
from harness.engine.rig import Rig
from harness.engine.stage import WorkerControl, connector_of
from harness.engine.taps import Taps
from harness.engine.world import World
from harness.environments.recipes import mariadb
from harness.environments.recipes.connect import internal_topics
from harness.errors import EnvironmentFailed
from harness.model.address import CLIENT
from harness.model.scenario import Pattern
from harness.model.suite import Suite
from harness.model.system import ROLE_PORTS, Link, Node, Role, System
from harness.together import together
from harness.wire import kafka_offsets

_CONNECTOR_TIMEOUT_S = 30.0
_SESSION_TIMEOUT_S = 15.0
_POLL_S = 0.05


class _Data(Enum):
    """What is known of the servers' data."""

    CLEAN = "clean"
    DIRTY = "dirty"
    UNKNOWN = "unknown"


class Stack:
    """Servers that are up and the clients to ask them."""

    def __init__(
        self,
        environment: Rig,
        suite: Suite,
        taps: Taps | None = None,
        detours: Detours | None = None,
    ) -> None:
        self.environment = environment
        self.suite = suite
        self.taps = taps
        """On every link; None where the run has none."""
        self.detours = detours
        """Links by way of Toxiproxy; None where no scenario of the run asks for it."""
        self.payload_bytes = 0
        """How much of each message the trace keeps."""
        self._world = World()
        self._state = _Data.CLEAN

    @property
    def servers(self) -> tuple[str, ...]:
        """The nodes that outlive a scenario."""
        return tuple(n.name for n in self.environment.system.nodes if n.role is not Role.SERVICE)

    @property
    def services(self) -> tuple[str, ...]:
        """The nodes that are started anew for every scenario."""
        return tuple(n.name for n in self.environment.system.nodes if n.role is Role.SERVICE)

    async def open(self) -> None:
        """Start the servers and keep what their databases look like."""
        self._state = _Data.CLEAN
        await self._stand_on_links()
        await self.environment.start(self.servers)
        self._world = self._connect_all()
        await asyncio.gather(*(db.make_templates() for db in self._world.postgres.values()))

    async def open_for_hand_work(self, pattern: Pattern, system: System) -> None:
        """Everything of one pattern at once, as far as its dependencies allow; no reset later."""
        self._state = _Data.UNKNOWN
        self.environment.redefine(system.nodes)
        self._world = self._connect_all()
        workers = [node.name for node in system.with_role(Role.KAFKA_CONNECT)]
        await self.environment.start(
            [node.name for node in system.nodes],
            then={worker: lambda: self._register(pattern) for worker in workers[:1]},
        )

    async def close(self) -> None:
        """Close every client; ending the nodes is the environment's."""
        await self._world.close()
        if self.taps is not None:
            self.environment.attach_taps(None)
            await self.taps.close()
        if self.detours is not None:
            await self.detours.close()

    async def _stand_on_links(self) -> None:
        """Have a tap process, on every link; a dead one is replaced."""
        if self.taps is None or (self.taps.pid is not None and self.taps.failure is None):
            return
        await self.taps.close()
        links = [
            {
                "client": link.client or CLIENT,
                "server": link.server,
                "listen": link.listen,
                "address": link.address,
                "port": port,
                "protocol": link.protocol,
            }
            for link in self.environment.links()
            for port in link.ports
        ]
        environment = self.environment
        await self.taps.start(links, environment.namespace_fds(), environment.sandbox_paths())
        self.environment.attach_taps(self.taps)

    def entry_url(self) -> str:
        """Where customers go: through the tap, where there is one."""
        node, port = self.suite.entry
        address = (
            self.environment.address(node)
            if self.taps is None
            else self.environment.tap_address(None, node)
        )
        return f"http://{address}:{port}"

    def failures(self) -> LinkFailures | None:
        """Servers that answer errors; None without taps."""
        if self.taps is None:
            return None
        links = [link for link in self.environment.links() if link.protocol == "http"]
        return LinkFailures(
            self.taps, links, self.environment.system, dialling=self.environment.socket_to_taps
        )

    def world(self, pattern: Pattern) -> World:
        """The clients of what the pattern starts, with what has to be quiet under it."""
        own = {n.name for n in self.environment.system.under_profile(pattern.name).nodes}
        return World(
            postgres={n: db for n, db in self._world.postgres.items() if n in own},
            others={n: db for n, db in self._world.others.items() if n in own},
            kafka=self._world.kafka,
            connect={n: c for n, c in self._world.connect.items() if pattern.connectors},
            internal_topics=self._world.internal_topics,
            quiet_queries=tuple(pattern.quiet),
            published=tuple(pattern.published),
            ledgers={n: ledger for n, ledger in self._world.ledgers.items() if n in own},
            logs_from=self._world.logs_from,
            key_columns=self.suite.key_columns,
            stored_as=pattern.stored_as,
        )

    def controls(self, world: World) -> dict[str, WorkerControl]:
        """Connect node → what faults may do to it."""
        return {node: WorkerControl(c, world.postgres) for node, c in world.connect.items()}

    async def begin(
        self,
        pattern: Pattern,
        system: System,
        *,
        spool: Path | None = None,
        detours: Sequence[Link] = (),
    ) -> None:
        """Services and connectors of one pattern, on clean data. Taps write to `spool`; links in
        `detours` go by way of Toxiproxy, the others don't."""
        if self.taps is not None and self.taps.failure is not None:
            self._state = _Data.UNKNOWN  # every connection has broken with them
        if self._state is _Data.DIRTY:
            self._state = _Data.UNKNOWN
            await self.reset()
        elif self._state is _Data.UNKNOWN:
            await self.rebuild()
        self._state = _Data.DIRTY
        await self._keep_ledgers()
        if self.taps is not None and self.detours is not None:
            await self.detours.lead(detours, self.taps)
        if self.taps is not None and spool is not None:
            await self.taps.begin(spool, self.suite.key_columns, self.payload_bytes)
        services = [node for node in system.nodes if node.role is Role.SERVICE]
        self.environment.redefine(services)
        await together(
            self._register(pattern), self.environment.start([node.name for node in services])
        )

    async def _keep_ledgers(self) -> None:
        """From here on the stores' logs are kept: what was done before is no scenario's."""
        for ledger in self._world.ledgers.values():
            ledger.close()
        ledgers = {node: WalLedger(node, db) for node, db in self._world.postgres.items()}
        await asyncio.gather(*(ledger.open() for ledger in ledgers.values()))
        kafka = self._world.kafka
        kept = (kafka_offsets.TOPIC, *self._world.internal_topics)
        logs_from = {} if kafka is None else await kafka.end_offsets(kept)
        self._world = replace(self._world, ledgers=ledgers, logs_from=logs_from)

    async def _register(self, pattern: Pattern) -> None:
        workers = tuple(self._world.connect.values())
        for path in pattern.connectors:
            name, config = connector_of(path)
            await workers[0].put_config(name, config)
            await workers[0].wait_running(name, _CONNECTOR_TIMEOUT_S)
            if slot := config.get("slot.name"):
                await self._await_streaming(name, slot)

    async def _await_streaming(self, connector: str, slot: str) -> None:
        """A task is RUNNING before it has its replication slot, and what is written until then
        may never be told of: streaming is when the database says that the slot is in use."""
        deadline = time.monotonic() + _CONNECTOR_TIMEOUT_S
        while True:
            found = [s for db in self._world.postgres.values() for s in await db.slots()]
            if any(s.slot == slot and s.active for s in found):
                return
            if time.monotonic() > deadline:
                raise EnvironmentFailed(
                    f"connector {connector} runs but replication slot {slot} is not in use "
                    f"after {_CONNECTOR_TIMEOUT_S:g} s"
                )
            await asyncio.sleep(_POLL_S)

    def distrust(self) -> None:
        """A server did what it should not: the next scenario gets new ones."""
        self._state = _Data.UNKNOWN

    async def rebuild(self) -> None:
        """Every server anew, from an empty disk: for when a reset did not go through."""
        await self._world.close()
        await self.environment.wipe()
        await self.open()

    async def reset(self) -> None:
        """Back to what the servers looked like when they were first up."""
        # Asked politely, so that consumers leave their groups, which can be deleted only then.
        await self.environment.stop(self.services)
        await asyncio.gather(*(_remove_connectors(c) for c in self._world.connect.values()))
        await asyncio.gather(
            self._empty_broker(),
            *(db.reset_from_templates() for db in self._world.postgres.values()),
            self.environment.start_anew(tuple(self._world.others)),
        )

    async def _empty_broker(self) -> None:
        kafka = self._world.kafka
        if kafka is None:
            return
        workers = {n.environment.get("GROUP_ID") for n in self._nodes(Role.KAFKA_CONNECT)}
        await self._delete_groups(kafka, workers)
        await kafka.delete_topics(await kafka.topics(self._world.internal_topics))

    async def _delete_groups(self, kafka: Kafka, kept: Collection[str | None]) -> None:
        """A member that was killed is a member until its session ends: wait for that."""
        deadline = time.monotonic() + _SESSION_TIMEOUT_S
        while groups := [g.name for g in await kafka.groups() if g.name not in kept]:
            try:
                await kafka.delete_groups(groups)
            except EnvironmentFailed:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_POLL_S)

    def _connect_all(self) -> World:
        address = self.environment.address
        brokers = ",".join(
            f"{address(n.name)}:{ROLE_PORTS[Role.KAFKA]}" for n in self._nodes(Role.KAFKA)
        )
        workers = self._nodes(Role.KAFKA_CONNECT)
        internal = frozenset[str]().union(*(internal_topics(n) for n in workers))
        return World(
            postgres={n.name: _postgres(n, address(n.name)) for n in self._nodes(Role.POSTGRES)},
            others={n.name: _mariadb(n, address(n.name)) for n in self._nodes(Role.MARIADB)},
            kafka=Kafka(brokers, names=self.environment.names) if brokers else None,
            connect={n.name: Connect(address(n.name)) for n in workers},
            internal_topics=internal,
        )

    def _nodes(self, role: Role) -> tuple[Node, ...]:
        return self.environment.system.with_role(role)


def _postgres(node: Node, address: str) -> Postgres:
    env = node.environment
    return Postgres(
        address, user=env.get("POSTGRES_USER", "postgres"), password=env["POSTGRES_PASSWORD"]
    )


def _mariadb(node: Node, address: str) -> MariaDB:
    return MariaDB(address, user="root", password=mariadb.root_password(node))


async def _remove_connectors(connect: Connect) -> None:
    for name in await connect.connectors():
        await connect.stop(name)
        await connect.delete_offsets(name)
        await connect.delete(name)
