"""The running stack of one run: its servers go on from scenario to scenario, its data does not.

Servers (databases, broker, Connect) are started once. Between scenarios services are ended,
connectors with their offsets and slots removed, databases put back from templates and topics and
groups deleted, so that every scenario begins with what the compose file and its scripts made.
"""

import asyncio
from collections.abc import Iterable

from harness.drivers.connect import Connect
from harness.drivers.kafka import Kafka
from harness.drivers.postgres import Postgres
from harness.engine.stage import WorkerControl, connector_of
from harness.engine.world import World
from harness.environments.namespaces import Namespaces
from harness.environments.recipes.connect import internal_topics
from harness.model.scenario import Pattern
from harness.model.suite import StoreQuery, Suite
from harness.model.system import Node, Role, System
from harness.together import together

_CONNECTOR_TIMEOUT_S = 30.0


class Stack:
    """Servers that are up and the clients to ask them."""

    def __init__(self, environment: Namespaces, suite: Suite) -> None:
        self.environment = environment
        self.suite = suite
        self._world = World()
        self._dirty = False

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
        await self.environment.start(self.servers)
        self._world = self._connect_all(())
        await asyncio.gather(*(db.make_templates() for db in self._world.postgres.values()))

    async def close(self) -> None:
        """Close every client; ending the nodes is the environment's."""
        await self._world.close()

    def world(self, pattern: Pattern) -> World:
        """The clients, with what has to be quiet under that pattern."""
        quiet = tuple(self.suite.quiet.get(pattern.name, ()))
        return World(
            postgres=self._world.postgres,
            kafka=self._world.kafka,
            connect={n: c for n, c in self._world.connect.items() if pattern.connectors},
            internal_topics=self._world.internal_topics,
            quiet_queries=quiet,
        )

    def controls(self, world: World) -> dict[str, WorkerControl]:
        """Connect node → what faults may do to it."""
        return {node: WorkerControl(c, world.postgres) for node, c in world.connect.items()}

    async def begin(self, pattern: Pattern, system: System) -> None:
        """Services and connectors of one pattern, on clean data."""
        if self._dirty:
            await self.reset()
        self._dirty = True
        services = [node for node in system.nodes if node.role is Role.SERVICE]
        self.environment.redefine(services)
        await together(
            self._register(pattern), self.environment.start([node.name for node in services])
        )

    async def _register(self, pattern: Pattern) -> None:
        workers = tuple(self._world.connect.values())
        for path in pattern.connectors:
            name, config = connector_of(path)
            await workers[0].put_config(name, config)
            await workers[0].wait_running(name, _CONNECTOR_TIMEOUT_S)

    async def reset(self) -> None:
        """Back to what the servers looked like when they were first up."""
        await self.environment.discard(self.services)
        await asyncio.gather(*(_remove_connectors(c) for c in self._world.connect.values()))
        await asyncio.gather(
            self._empty_broker(),
            *(db.reset_from_templates() for db in self._world.postgres.values()),
        )

    async def _empty_broker(self) -> None:
        kafka = self._world.kafka
        if kafka is None:
            return
        workers = {n.environment.get("GROUP_ID") for n in self._nodes(Role.KAFKA_CONNECT)}
        groups = [g.name for g in await kafka.groups() if g.name not in workers]
        await kafka.delete_groups(groups)
        await kafka.delete_topics(await kafka.topics(self._world.internal_topics))

    def _connect_all(self, quiet: Iterable[StoreQuery]) -> World:
        address = self.environment.address
        brokers = ",".join(f"{address(n.name)}:9092" for n in self._nodes(Role.KAFKA))
        workers = self._nodes(Role.KAFKA_CONNECT)
        internal = frozenset[str]().union(*(internal_topics(n) for n in workers))
        return World(
            postgres={n.name: _postgres(n, address(n.name)) for n in self._nodes(Role.POSTGRES)},
            kafka=Kafka(brokers) if brokers else None,
            connect={n.name: Connect(address(n.name)) for n in workers},
            internal_topics=internal,
            quiet_queries=tuple(quiet),
        )

    def _nodes(self, role: Role) -> tuple[Node, ...]:
        return self.environment.system.with_role(role)


def _postgres(node: Node, address: str) -> Postgres:
    env = node.environment
    return Postgres(
        address, user=env.get("POSTGRES_USER", "postgres"), password=env["POSTGRES_PASSWORD"]
    )


async def _remove_connectors(connect: Connect) -> None:
    for name in await connect.connectors():
        await connect.stop(name)
        await connect.delete_offsets(name)
        await connect.delete(name)
