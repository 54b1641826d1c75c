"""What the engine asks of a database server, whatever its make.

What one make alone has, such as PostgreSQL's slots and its log, is asked of that make's driver.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What a server is at, from one cheap question."""

    mark: str
    """Another one after every transaction that has written, so that an unchanged one spares
    reading the tables."""
    writers: int
    """Transactions that are open and have written."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TableState:
    """How much is in a table, in one number that is another one for other content."""

    database: str
    table: str
    rows: int
    digest: int


class Database(Protocol):
    """One server. Each call ends within a deadline and raises EnvironmentFailed."""

    @property
    def make(self) -> str:
        """Such as `postgres`, for people."""
        ...

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        ...

    async def ping(self) -> bool:
        """Whether `SELECT 1` is answered right now."""
        ...

    async def query(
        self,
        text: str,
        params: Sequence[object] | Mapping[str, object] | None = None,
        database: str | None = None,
        *,
        timeout_s: float | None = None,
    ) -> list[Row]:
        """The rows of one statement, committed by itself."""
        ...

    async def databases(self) -> tuple[str, ...]:
        """The databases of the system, without the server's own."""
        ...

    async def read_tables(
        self, database: str, tables: Sequence[str] | None = None
    ) -> dict[str, pa.Table]:
        """These tables, or all, as of one moment."""
        ...

    async def activity(self) -> Activity:
        """What is going on."""
        ...

    async def contents(self) -> tuple[TableState, ...]:
        """Every table of the system, sorted."""
        ...
