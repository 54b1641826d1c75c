"""Traffic for tests: what taps would have seen, told step by step, as the tables that they leave.

    t = Traffic()
    t.committed("order", "order-db", "orders:insert", "17", xid=752)
    t.produce("order", "order.events", "17").acknowledged(offset=4)
    t.write(scenario_dir)

Each step takes a millisecond unless `wait` lets more pass.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.files import write_parquet
from harness.model.address import Address
from harness.model.snapshot import EFFECTS_SCHEMA, TRACE_SCHEMA, TRANSACTIONS_SCHEMA

BROKER = "kafka-1"
Row = dict[str, Any]


def lsn(position: int) -> str:
    """`0/1A00010`: the text of a position."""
    return f"0/{position:X}"


@dataclass(frozen=True)
class Asked:
    """An effect that was asked for and can be answered."""

    traffic: "Traffic"
    number: int
    kind: str
    more: Mapping[str, Any]

    def acknowledged(self, **known: Any) -> int:
        """The server said yes; `known`: what its answer tells (offset, xid, lsn)."""
        return self.traffic.answer(self, "acknowledged", **known)

    def failed(self, error: str) -> int:
        """The server said no."""
        return self.traffic.answer(self, "failed", error=error)


class Traffic:
    """Frames, effects and transactions of one scenario that began `at_s` seconds ago."""

    def __init__(self, at_s: float = 5.0) -> None:
        self.at_s = at_s
        self.frames: list[Row] = []
        self.effects: dict[int, list[Row]] = {}
        self.transactions: list[Row] = []
        self._occurrences: dict[str, int] = {}
        self._connections: dict[tuple[str, str], int] = {}

    def wait(self, ms: float) -> None:
        """Nothing passes for so long."""
        self.at_s += ms / 1000

    def frame(self, client: str, server: str, direction: str, kind: str, **more: Any) -> int:
        """One frame; returns its place in the order."""
        self.at_s += 0.001
        default = self._connections.setdefault((client, server), len(self._connections) + 1)
        row: Row = dict.fromkeys(TRACE_SCHEMA.names)
        row |= {"scenario": "p--none", "seq": len(self.frames) + 1, "at_s": self.at_s}
        row |= {"node": client, "server": server, "link": f"{client}→{server}"}
        row |= {"direction": direction, "kind": kind, "connection": default, "name": ""}
        row |= {"keys": [], "addresses": [], "size": 64, "digest": "0badcafe"}
        self.frames.append(row | {"keys": list(more.pop("keys", ()))} | more)
        return len(self.frames)

    def ask(
        self, client: str, server: str, kind: str, detail: str, *keys: str, **more: Any
    ) -> Asked:
        """A request for an effect."""
        number = len(self.effects) + 1
        addresses = [self._address(client, server, kind, detail, key) for key in keys or ("-",)]
        self.frame(
            client, server, "client", kind,
            keys=keys, effect=number, outcome="requested",
            addresses=[a.text for a in addresses], **more,
        )  # fmt: skip
        told = {k: v for k, v in more.items() if k in EFFECTS_SCHEMA.names}
        frame = self.frames[-1]
        self.effects[number] = [
            dict.fromkeys(EFFECTS_SCHEMA.names)
            | {name: frame[name] for name in ("at_s", "node", "server", "link", "connection")}
            | {"effect": number, "kind": kind, "detail": ",".join(address.detail or ())}
            | {"key": None if address.key == "-" else address.key, "address": address.text}
            | {"occurrence": address.occurrence, "outcome": "requested"}
            | told
            for address in addresses
        ]
        return Asked(self, number, kind, more)

    def answer(self, asked: Asked, outcome: str, **known: Any) -> int:
        """The server's answer to it."""
        effects = self.effects[asked.number]
        first = effects[0]
        told = {k: v for k, v in {**asked.more, **known}.items() if k in EFFECTS_SCHEMA.names}
        frame = {k: v for k, v in told.items() if k != "connection"}
        frame["name"] = known.get("name", "")
        place = self.frame(
            first["node"], first["server"], "server", f"{asked.kind}-{outcome}",
            keys=[e["key"] for e in effects if e["key"]], effect=asked.number, outcome=outcome,
            addresses=[e["address"] for e in effects], connection=first["connection"],
            error=known.get("error"), **frame,
        )  # fmt: skip
        for effect in effects:
            effect.update(told, outcome=outcome, answered_s=self.at_s)
        return place

    # --- what services do ---------------------------------------------------------------------

    def statement(self, client: str, server: str, text: str, *keys: str) -> None:
        """One statement of an open transaction."""
        self.frame(client, server, "client", "statement", name=text, keys=keys)

    def commit(self, client: str, server: str, detail: str, *keys: str) -> Asked:
        """A COMMIT that is asked for."""
        return self.ask(client, server, "commit", detail, *keys)

    def committed(
        self, client: str, server: str, detail: str, *keys: str, xid: int, **columns: Any
    ) -> str:
        """A transaction from COMMIT to its acknowledgement and its place in the write-ahead log;
        returns its LSN. One row for each key and each part of the detail."""
        asked = self.commit(client, server, detail, *keys)
        position = lsn(0x1A00000 + xid * 0x100)
        asked.acknowledged(xid=xid, lsn=position)
        for effect in self.effects[asked.number]:
            effect.update(xid=xid, lsn=position)
        self.logged(server, xid, detail, *keys, **columns)
        return position

    def logged(self, server: str, xid: int, detail: str, *keys: str, **columns: Any) -> None:
        """A transaction as the write-ahead log has it."""
        parts = [(part, key) for part in detail.split(",") for key in keys]
        for place, (part, key) in enumerate(parts):
            table, operation = part.split(":")
            self.transactions.append(
                {
                    "node": server, "database": "d", "xid": xid, "position": place,
                    "lsn": lsn(0x1A00000 + xid * 0x100), "table": table, "operation": operation,
                    "key": key, "columns": json.dumps({"order_id": key, **columns}),
                }
            )  # fmt: skip

    def produce(self, client: str, topic: str, *keys: str, partition: int = 0) -> Asked:
        """Records on their way."""
        return self.ask(client, BROKER, "produce", topic, *keys, topic=topic, partition=partition)

    def offset_commit(
        self, client: str, group: str, topic: str, *keys: str, offset: int, partition: int = 0
    ) -> Asked:
        """A group's position on its way. `keys`: those of the last records it has read."""
        return self.ask(
            client, BROKER, "offset-commit", f"{group}:{topic}", *keys,
            topic=topic, partition=partition, offset=offset,
        )  # fmt: skip

    def wal(self, client: str, server: str, xid: int, table: str, *keys: str) -> str:
        """A transaction on the replication stream, row by row; returns its LSN."""
        position = lsn(0x1A00000 + xid * 0x100)
        for key in keys:
            self.frame(
                client, server, "server", "wal-row",
                name=f"{table}:insert", keys=[key], xid=xid, lsn=position,
            )  # fmt: skip
        self.frame(
            client, server, "server", "wal-commit", keys=keys, xid=xid, lsn=position,
        )  # fmt: skip
        return position

    def flush(self, client: str, server: str, slot: str, *keys: str, past: str) -> None:
        """A slot's position, just behind a transaction. `keys`: what it newly covers."""
        behind = lsn(int(past.split("/")[1], 16) + 0x30)
        asked = self.ask(client, server, "flush", slot, *keys, lsn=behind)
        self.frames[-1]["kind"] = "flush"
        assert self.effects[asked.number][0]["outcome"] == "requested"

    def lost_sync(self, client: str, server: str) -> None:
        """What follows on this connection cannot be read."""
        self.frame(client, server, "client", "lost-sync", error="no such message type")

    # --- as tables ----------------------------------------------------------------------------

    def tables(self) -> dict[str, pa.Table]:
        """`trace`, `effects` and `transactions`."""
        effects = [row for rows in self.effects.values() for row in rows]
        return {
            "trace": pa.Table.from_pylist(self.frames, schema=TRACE_SCHEMA),
            "effects": pa.Table.from_pylist(effects, schema=EFFECTS_SCHEMA),
            "transactions": pa.Table.from_pylist(self.transactions, schema=TRANSACTIONS_SCHEMA),
        }

    def write(self, scenario_dir: Path) -> None:
        """Into a scenario's directory, as a run would."""
        for name, table in self.tables().items():
            place = scenario_dir if name == "trace" else scenario_dir / "snapshot"
            place.mkdir(parents=True, exist_ok=True)
            write_parquet(place / f"{name}.parquet", table)

    def _address(self, client: str, server: str, kind: str, detail: str, key: str) -> Address:
        exact = Address(
            client=client, server=server, kind=kind, detail=tuple(detail.split(",")), key=key
        )
        occurrence = self._occurrences.get(exact.text, 0) + 1
        self._occurrences[exact.text] = occurrence
        return Address.parse(f"{exact.text}#{occurrence}")
