"""What the wire and the write-ahead log know of one key, beside the rows of an evidence chain.

Which transaction wrote a row, which request made a record and which offset commit covered it,
which flush let a slot forget it; and, where the way broke, the last thing that was seen of the key.
A hop is matched by the tables that its query reads. Where nothing was traced there is nothing to
tell.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.checkers.invariant import Need
from harness.checkers.snapshot import QueryFailed, Snapshot
from harness.model.effect import EffectKind, Outcome
from harness.model.record import Traced
from harness.model.scenario import Hop

Row = Mapping[str, Any]

LAST = "last"
_MOST = 12
"""Of one hop."""
_MOST_ROWS = 200
_TABLE = re.compile(r'"(db|kafka)\.([^"]+)"')
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d")

_EFFECTS = "SELECT * FROM effects WHERE key = $key ORDER BY effect"
_CHANGES = "SELECT * FROM transactions WHERE key = $key ORDER BY lsn(lsn), position"
_CAPTURED = """
    SELECT DISTINCT split_part(name, ':', 1) AS "table", server FROM trace
    WHERE kind = 'wal-row' AND list_contains(keys, $key)
"""
_COVERED = """
    SELECT arg_min(effects, effect) AS first
    FROM (
        SELECT *, split_part(unnest(string_split(detail, ',')), ':', 1) AS "group" FROM effects
        WHERE
            kind = 'offset-commit' AND outcome = 'acknowledged' AND topic = $topic
            AND "partition" = $partition::INTEGER AND "offset" > $offset::BIGINT
    ) AS effects
    GROUP BY "group" ORDER BY min(effect)
"""
_SENDERS = """
    SELECT DISTINCT node FROM effects
    WHERE kind = $kind AND list_bool_or([part = $part OR starts_with(part, $part || ':')
        FOR part IN string_split(detail, ',')])
        AND ($server = '' OR server = $server)
    ORDER BY node
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """What a hop's query reads: tables of a server, or a topic."""

    tables: tuple[str, ...]
    topics: tuple[str, ...]


class Traces:
    """Asks an open snapshot, which must not define tables of its own under the names of these."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._effects: dict[str, tuple[Row, ...]] = {}

    @property
    def any(self) -> bool:
        """Whether there is anything to ask."""
        return not {"effects", "transactions"}.isdisjoint(self._snapshot.tables)

    def of(self, hop: Hop, rows: Sequence[Row], key: str) -> tuple[Traced, ...]:
        """What is known of the rows that were found at a hop."""
        place = _place(hop)
        found = [
            *self._commits(hop, place, rows, key),
            *(self._flushes(hop, place, key) if place.tables else ()),
            *(t for topic in place.topics for t in self._records(topic, rows, key)),
        ]
        if not place.tables and not place.topics:
            found += self._requests(hop, key)
        return tuple(found[:_MOST])

    def last(self, hop: Hop, key: str) -> tuple[Traced, ...]:
        """The last thing seen of a key that did not come to this hop, and what was not seen."""
        effects = self._of_key(key)
        if not effects:
            return ()
        seen = max(effects, key=lambda e: e["answered_s"] or e["at_s"])
        missed = self._missed(hop, _place(hop), key, effects)
        return (Traced(kind=LAST, text="; ".join([_last_words(seen), *missed])),)

    def _commits(self, hop: Hop, place: _Place, rows: Sequence[Row], key: str) -> Iterator[Traced]:
        changes = [
            c for c in self._ask(_CHANGES, "transactions", {"key": key})
            if c["node"] == hop.node and c["table"] in place.tables
        ]  # fmt: skip
        commits = [
            e for e in self._of_key(key)
            if e["kind"] == EffectKind.COMMIT.value and e["server"] == hop.node
        ]  # fmt: skip
        for change in changes:
            by = next((e for e in commits if e["xid"] == change["xid"]), None)
            which = _which(change, rows)
            what = f"{change['table']}:{change['operation']} in xid {change['xid']}"
            text = f"{which}{what} at {change['lsn']}" + (f", {_committed(by)}" if by else "")
            yield Traced(kind=EffectKind.COMMIT.value, text=text)
        for effect in commits if not changes else ():
            parts = effect["detail"].split(",")
            if any(part.split(":")[0] in place.tables for part in parts):
                text = f"{effect['detail']}, {_committed(effect)}"
                yield Traced(kind=EffectKind.COMMIT.value, text=text)

    def _flushes(self, hop: Hop, place: _Place, key: str) -> Iterator[Traced]:
        captured = {
            row["table"]
            for row in self._ask(_CAPTURED, "trace", {"key": key})
            if row["server"] == hop.node
        }
        if captured.isdisjoint(place.tables):
            return
        slots: set[str] = set()
        for effect in self._of_key(key):
            is_flush = effect["kind"] == EffectKind.FLUSH.value and effect["server"] == hop.node
            if is_flush and effect["detail"] not in slots:
                slots.add(effect["detail"])
                yield Traced(
                    kind=EffectKind.FLUSH.value,
                    text=f"{effect['node']} flushed slot {effect['detail']} to {effect['lsn']}, "
                    f"{_moment(effect['at_s'])}",
                )

    def _records(self, topic: str, rows: Sequence[Row], key: str) -> Iterator[Traced]:
        for effect in self._of_key(key):
            if effect["kind"] == EffectKind.PRODUCE.value and topic in effect["detail"].split(","):
                yield Traced(kind=EffectKind.PRODUCE.value, text=_produced(effect, topic))
        for row in rows:
            if isinstance(row.get("partition"), int) and isinstance(row.get("offset"), int):
                yield from self._covers(topic, row["partition"], row["offset"])

    def _covers(self, topic: str, partition: int, offset: int) -> Iterator[Traced]:
        told = {"topic": topic, "partition": str(partition), "offset": str(offset)}
        for found in self._ask(_COVERED, "effects", told):
            first = found["first"]
            yield Traced(
                kind=EffectKind.OFFSET_COMMIT.value,
                text=f"{first['node']} committed offset {first['offset']} of {topic}/{partition} "
                f"for group {first['group']}, {_moment(first['at_s'])}",
            )

    def _requests(self, hop: Hop, key: str) -> Iterator[Traced]:
        for effect in self._of_key(key):
            if effect["kind"] == EffectKind.HTTP.value and effect["server"] == hop.node:
                yield Traced(
                    kind=EffectKind.HTTP.value,
                    text=f"{effect['node']} sent {effect['detail']}, {_moment(effect['at_s'])}, "
                    f"{_became(effect)}",
                )

    def _missed(self, hop: Hop, place: _Place, key: str, effects: Iterable[Row]) -> Iterator[str]:
        """What should have come next, as far as the query tells what it looks for."""
        wanted = [(EffectKind.PRODUCE, topic, "", topic) for topic in place.topics]
        wanted += [
            (EffectKind.COMMIT, table, hop.node, f"{hop.node}'s {table}") for table in place.tables
        ]
        for kind, part, server, where in wanted:
            if any(e["kind"] == kind.value and _touches(e, part) for e in effects):
                continue
            told = {"kind": kind.value, "part": part, "server": server}
            senders = [row["node"] for row in self._ask(_SENDERS, "effects", told)]
            who = f"ever left {' or '.join(senders)}" if senders else "was ever seen"
            yield f"no {kind.name} of key {key} to {where} {who}"

    def _of_key(self, key: str) -> tuple[Row, ...]:
        if key not in self._effects:
            self._effects[key] = self._ask(_EFFECTS, "effects", {"key": key})
        return self._effects[key]

    def _ask(self, sql: str, table: str, told: Mapping[str, str]) -> tuple[Row, ...]:
        """Nothing where the table is missing or is another one than it should be."""
        try:
            self._snapshot.provide([Need(table=table)])
            return self._snapshot.rows(sql, _MOST_ROWS, told)
        except QueryFailed:
            return ()


def _place(hop: Hop) -> _Place:
    tables, topics = [], []
    for kind, name in _TABLE.findall(hop.query):
        if kind == "kafka":
            topics.append(name)
        elif name.startswith(f"{hop.node}."):
            tables.append(name.removeprefix(f"{hop.node}.").rpartition(".")[2])
    return _Place(tuple(dict.fromkeys(tables)), tuple(dict.fromkeys(topics)))


def _which(change: Row, rows: Sequence[Row]) -> str:
    """Which of the rows a change wrote; a change that none looks like was written over."""
    if change["operation"] == "delete":
        return ""
    fitting = [n for n, row in enumerate(rows, start=1) if _wrote(change, row)]
    if not fitting:
        return "since changed: "
    return "" if len(rows) == 1 else f"row {fitting[-1]}: "


def _wrote(change: Row, row: Row) -> bool:
    try:
        columns = json.loads(change["columns"] or "{}")
    except ValueError:
        return False
    return all(_same(row[name], value) for name, value in columns.items() if name in row)


def _same(one: object, other: object) -> bool:
    """As text; moments and documents are written in too many ways to be compared."""
    texts = [value if isinstance(value, str) else _text(value) for value in (one, other)]
    if any(text is None or _MOMENT.match(text) or text[:1] in {"{", "["} for text in texts):
        return (one is None) == (other is None)
    return texts[0] == texts[1]


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value) if isinstance(value, int | float) else None


def _touches(effect: Row, part: str) -> bool:
    return any(p == part or p.startswith(f"{part}:") for p in effect["detail"].split(","))


def _committed(effect: Row) -> str:
    return f"committed by {effect['node']} {_moment(effect['at_s'])}, {_became(effect)}"


def _produced(effect: Row, topic: str) -> str:
    at = "" if effect["offset"] is None else f"/{effect['partition']} at offset {effect['offset']}"
    sent = f"{effect['node']} sent it to {topic}{at} {_moment(effect['at_s'])}"
    return f"{sent}, {_became(effect)}"


def _became(effect: Row) -> str:
    match effect["outcome"]:
        case Outcome.ACKNOWLEDGED.value:
            return f"acknowledged {_moment(effect['answered_s'])}"
        case Outcome.FAILED.value:
            return f"refused {_moment(effect['answered_s'])}"
        case _:
            return "never answered"


def _last_words(effect: Row) -> str:
    """`order-db committed xid 752 at 0/1A2B3C8 for order, +5.123 s`."""
    client, server, kind = effect["node"], effect["server"], effect["kind"]
    if effect["outcome"] == Outcome.REQUESTED.value and kind != EffectKind.FLUSH.value:
        asked = f"{client} asked {server} for {_name(effect)}"
        return f"{asked} {_moment(effect['at_s'])} and nothing answered"
    if effect["outcome"] == Outcome.FAILED.value:
        return f"{server} refused {client}'s {_name(effect)}, {_moment(effect['answered_s'])}"
    at = _moment(effect["answered_s"] or effect["at_s"])
    match kind:
        case EffectKind.COMMIT.value:
            xid = "" if effect["xid"] is None else f" xid {effect['xid']} at {effect['lsn']}"
            return f"{server} committed{xid or ' ' + effect['detail']} for {client}, {at}"
        case EffectKind.PRODUCE.value if effect["offset"] is not None:
            where = f"{effect['topic']}/{effect['partition']} at offset {effect['offset']}"
            return f"{server} acknowledged {client}'s record in {where}, {at}"
        case EffectKind.FLUSH.value:
            return f"{client} flushed slot {effect['detail']} to {effect['lsn']}, {at}"
        case _:
            return f"{server} acknowledged {client}'s {_name(effect)}, {at}"


def _name(effect: Row) -> str:
    return f"{str(effect['kind']).upper().replace('-', ' ')} {effect['detail']}"


def _moment(at_s: float | None) -> str:
    return "" if at_s is None else f"{at_s:+.3f} s"
