"""What faults may ask of the running system, answered by its stores."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from harness.drivers.connect import Connect
from harness.drivers.postgres import OWN_SLOTS, Postgres
from harness.engine.world import World
from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.store_query import StoreQuery
from harness.stage import Change


class StoreWitness:
    """Business keys as the writer's database and the topics have them."""

    def __init__(self, world: World, committed: StoreQuery) -> None:
        self._world = world
        self._committed = committed

    async def committed(self) -> frozenset[Change]:
        """Changes that are visible now: of each key as many as the query's second column says,
        one where it has none."""
        question = self._committed
        database = self._world.databases[question.node]
        rows = await database.query(question.sql, database=question.database)
        return _numbered({str(row[0]): int(row[1]) if len(row) > 1 else 1 for row in rows})

    async def published(self) -> frozenset[Change]:
        """Of each key as many changes as there are different records of it in the topics; the
        same one delivered again is no other."""
        kafka = self._world.kafka
        if kafka is None:
            raise EnvironmentFailed("the system has no broker to ask for records")
        topics = await kafka.topics(self._world.internal_topics)
        found = await kafka.read_topics(topics)
        records = {(r.key, r.value) for rs in found.values() for r in rs if r.key is not None}
        return _numbered(Counter(key.decode("utf-8", "replace") for key, _ in records))


def _numbered(counts: Mapping[str, int]) -> frozenset[Change]:
    return frozenset((key, n) for key, count in counts.items() for n in range(1, count + 1))


_SESSIONS = """
SELECT slot_name, active_pid FROM pg_replication_slots WHERE NOT starts_with(slot_name, %s)
"""


class WorkerControl:
    """One Connect worker; its connectors' sessions are asked of the databases."""

    def __init__(self, connect: Connect, databases: Mapping[str, Postgres]) -> None:
        self._connect = connect
        self._databases = databases

    async def restart_connectors(self) -> tuple[str, ...]:
        """Restart all with their tasks; returns once Connect has accepted it."""
        names = await self._connect.connectors()
        for name in names:
            await self._connect.restart(name, include_tasks=True)
        return names

    async def running(self) -> bool:
        """Whether the worker answers, has connectors, and all of them and their tasks run."""
        try:
            statuses = await self._connect.statuses()
        except EnvironmentFailed:
            return False
        return bool(statuses) and all(status.running for status in statuses)

    async def sessions(self) -> Mapping[str, int | None]:
        """Slot → pid of its walsender, over every database server."""
        sessions: dict[str, int | None] = {}
        for database in self._databases.values():
            rows = await database.query(_SESSIONS, (OWN_SLOTS,))
            sessions.update({str(slot): pid for slot, pid in rows})
        return sessions


def connector_of(path: Path) -> tuple[str, dict[str, str]]:
    """Name and configuration of a connector's JSON file. Raises DeclarationError."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return str(told["name"]), {str(k): str(v) for k, v in told["config"].items()}
    except OSError as error:
        raise DeclarationError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DeclarationError(
            f"{path}: not a connector: a JSON object with `name` and `config` is wanted"
        ) from error
