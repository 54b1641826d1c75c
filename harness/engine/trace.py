"""The spool of the tap as tables: `trace`, one row a frame, and `effects`, one row an address."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.model.address import NO_KEY, Address
from harness.model.effect import EffectKind, Outcome
from harness.model.snapshot import EFFECTS_SCHEMA, TRACE_SCHEMA
from harness.tap.spool import COLUMNS, Row, read_spool

_AT = {name: place for place, name in enumerate(COLUMNS)}
_LOST = "lost-sync"
_PLACES = ("topic", "partition", "offset", "xid", "lsn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A connection that could not be read any more."""

    server: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What the taps saw of one scenario."""

    frames: pa.Table
    effects: pa.Table
    lost: tuple[Lost, ...]


def read_trace(spool: Path, *, scenario: str, origin_ns: int) -> Trace:
    """The spool as tables. `origin_ns`: the monotonic clock when the scenario began."""
    rows = list(read_spool(spool))
    return Trace(
        frames=_frames(rows, scenario, origin_ns),
        effects=pa.Table.from_pylist(list(_effects(rows, origin_ns)), schema=EFFECTS_SCHEMA),
        lost=tuple(_lost(row) for row in rows if row[_AT["kind"]] == _LOST),
    )


def _lost(row: Row) -> Lost:
    client, server = row[_AT["node"]], row[_AT["server"]]
    return Lost(
        server=server,
        says=f"{client}→{server}, connection {row[_AT['connection']]}, in what the "
        f"{row[_AT['direction']]} sent: {row[_AT['error']]}",
    )


def _frames(rows: Sequence[Row], scenario: str, origin_ns: int) -> pa.Table:
    columns: dict[str, list[Any]] = {
        name: list(values)
        for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True)
    } if rows else {name: [] for name in COLUMNS}  # fmt: skip
    made: dict[str, list[Any]] = {
        **columns,
        "scenario": [scenario] * len(rows),
        "at_s": [(t - origin_ns) / 1e9 for t in columns["time_ns"]],
        "link": [
            f"{client}→{server}"
            for client, server in zip(columns["node"], columns["server"], strict=True)
        ],
        "digest": [None if crc is None else f"{crc:08x}" for crc in columns["digest"]],
    }
    return pa.table({name: made[name] for name in TRACE_SCHEMA.names}, schema=TRACE_SCHEMA)


def _effects(rows: Iterable[Row], origin_ns: int) -> Iterable[dict[str, Any]]:
    """Requests, with what became of them; in the order of the requests."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        number, outcome = row[_AT["effect"]], row[_AT["outcome"]]
        if number is None or outcome is None:
            continue
        if outcome == Outcome.REQUESTED.value:
            found[number] = [_requested(row, text, origin_ns) for text in row[_AT["addresses"]]]
        for effect in found.get(number, ()):
            effect["outcome"] = outcome
            if outcome != Outcome.REQUESTED.value:
                effect["answered_s"] = (row[_AT["time_ns"]] - origin_ns) / 1e9
            known = {name: row[_AT[name]] for name in _PLACES if row[_AT[name]] is not None}
            effect.update(known, **_position(row, effect))
    for effects in found.values():
        yield from effects


def _position(row: Row, effect: Mapping[str, Any]) -> dict[str, Any]:
    """Where the effect's own key is: a record of it at its own offset, a group's position as it
    is; nothing where the message does not tell."""
    for topic, partition, offset, keys in row[_AT["positions"]] or ():
        if effect["key"] is not None and effect["key"] in keys:
            place = {"topic": topic, "partition": partition}
            if offset is None:
                return place
            record = keys.index(effect["key"]) if effect["kind"] == EffectKind.PRODUCE.value else 0
            return {**place, "offset": offset + record}
    return {}


def _requested(row: Row, text: str, origin_ns: int) -> dict[str, Any]:
    address = Address.parse(text)
    return {
        "effect": row[_AT["effect"]],
        "at_s": (row[_AT["time_ns"]] - origin_ns) / 1e9,
        "node": address.client,
        "server": address.server,
        "link": f"{address.client}→{address.server}",
        "connection": row[_AT["connection"]],
        "kind": address.kind,
        "detail": ",".join(address.detail or ()),
        "key": None if address.key == NO_KEY else address.key,
        "occurrence": address.occurrence,
        "address": text,
    }
