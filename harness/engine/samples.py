"""What replication slots hold back while a scenario goes on, asked twice a second."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from harness.drivers.postgres import OWN_SLOTS, Postgres
from harness.errors import EnvironmentFailed
from harness.model.snapshot import SLOT_SAMPLES_SCHEMA

_EVERY_S = 0.5

# What the log keeps for a slot begins at restart_lsn; what its reader has not confirmed, at
# confirmed_flush_lsn.
_HELD = """
SELECT slot_name, active, wal_status,
       pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint,
       pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint
FROM pg_replication_slots
WHERE slot_type = 'logical' AND NOT starts_with(slot_name, %s)
"""


class SlotSamples:
    """Of every database server. One that does not answer has no sample then."""

    def __init__(self, servers: Mapping[str, Postgres], elapsed_s: Callable[[], float]) -> None:
        self._servers = servers
        self._elapsed_s = elapsed_s
        self._rows: list[dict[str, Any]] = []

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.gather(*(self.take(node) for node in self._servers))
            await asyncio.sleep(_EVERY_S)

    async def take(self, node: str) -> None:
        """One sample of each slot of a server."""
        try:
            found = await self._servers[node].query(_HELD, (OWN_SLOTS,))
        except EnvironmentFailed:
            return
        at_s = self._elapsed_s()
        self._rows += [
            {
                "at_s": at_s,
                "node": node,
                "slot": slot,
                "active": active,
                "wal_status": status,
                "held_bytes": held,
                "unconfirmed_bytes": unconfirmed,
            }
            for slot, active, status, held, unconfirmed in found
        ]

    def table(self) -> pa.Table | None:
        """All of them; None where there was no slot."""
        if not self._rows:
            return None
        return pa.Table.from_pylist(self._rows, schema=SLOT_SAMPLES_SCHEMA)
