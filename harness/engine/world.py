"""The running system as the engine reads it: one client for each store, and what must be quiet."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.drivers.connect import Connect
from harness.drivers.database import Database
from harness.drivers.kafka import Kafka
from harness.drivers.postgres import Postgres
from harness.drivers.wal import WalLedger
from harness.model.store_query import Published, StoreQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that is read for a verdict. Maps are by node name."""

    postgres: Mapping[str, Postgres] = field(default_factory=dict)
    others: Mapping[str, Database] = field(default_factory=dict)
    """Database servers of other makes."""
    kafka: Kafka | None = None
    connect: Mapping[str, Connect] = field(default_factory=dict)
    internal_topics: frozenset[str] = frozenset()
    """Topics that are no part of the system's data (Connect's own), besides `__…`."""
    quiet_queries: tuple[StoreQuery, ...] = ()
    """Counts that are 0 when the system has come to rest, e.g. of unsent outbox rows."""
    published: tuple[Published, ...] = ()
    ledgers: Mapping[str, WalLedger] = field(default_factory=dict)
    """What each database server has committed since the scenario began."""
    logs_from: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """Topic and partition → where its log ended when the scenario began; 0 where it is not named."""
    key_columns: frozenset[str] = frozenset()
    """Names of the columns that hold the business key, wherever they appear."""
    stored_as: Mapping[str, str] = field(default_factory=dict)
    """Database node → the name under which its tables are stored, where that is another one."""

    @property
    def databases(self) -> Mapping[str, Database]:
        """Every database server, whatever its make."""
        return {**self.postgres, **self.others}

    async def close(self) -> None:
        """Close every client. Idempotent."""
        for database in self.databases.values():
            await database.close()
        if self.kafka is not None:
            await self.kafka.close()
        for connect in self.connect.values():
            await connect.close()
