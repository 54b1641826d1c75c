"""What passed on the wire for some business keys, read from a scenario's trace for drawing.

A message is one frame, or the several frames of one transaction on a replication stream. A trace
that is not there, or that a crash cut off, gives nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import duckdb

from harness.model.effect import EffectKind, Outcome
from harness.model.frame import FROM_CLIENT
from harness.report.words import clean, cut

Row = Mapping[str, Any]


class Shape(Enum):
    """What kind of arrow a message is."""

    REQUEST = "request"
    """Asks for an effect."""
    ANSWER = "answer"
    CONTEXT = "context"
    """A statement, a row on the replication stream: no effect by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One arrow to be drawn."""

    seq: int
    at_s: float
    client: str
    server: str
    from_client: bool
    shape: Shape
    label: str
    note: str = ""
    """Transaction, LSN, offset."""
    says: str = ""
    """All of it, in one sentence."""
    effect: int | None = None
    address: str = ""
    is_failed: bool = False
    """The server said no."""
    is_unanswered: bool = False
    """No answer to it was ever seen."""

    @property
    def sender(self) -> str:
        return self.client if self.from_client else self.server

    @property
    def receiver(self) -> str:
        return self.server if self.from_client else self.client


_FRAMES = """
SELECT seq, at_s, node, server, connection, direction, kind, name, keys, effect, outcome, xid, lsn,
       topic, "partition", "offset", error, size
FROM read_parquet(?) WHERE list_has_any(keys, ?) ORDER BY seq
"""
_EFFECTS = """
SELECT effect, key, kind, detail, address, outcome, xid, lsn, topic, "partition", "offset"
FROM read_parquet(?) WHERE list_contains(?, key)
"""
_KEYS = """
SELECT key FROM read_parquet(?) WHERE key IS NOT NULL GROUP BY key ORDER BY min(effect) LIMIT ?
"""
_ANSWERED = {k.value for k in EffectKind} - {EffectKind.FLUSH.value}
_SQL = re.compile(
    r"\s*(INSERT\s+INTO|UPDATE|DELETE\s+FROM|SELECT\b.*?\bFROM|MERGE\s+INTO)\s+([\w.\"]+)",
    re.IGNORECASE | re.DOTALL,
)
_WAL = "wal-"


def read_messages(scenario_dir: Path, keys: Sequence[str]) -> Mapping[str, tuple[Message, ...]]:
    """Key → its messages in their order; without the keys that the trace does not have."""
    trace, effects = _paths(scenario_dir)
    if not keys or not trace.is_file():
        return {}
    with duckdb.connect(config={"threads": 2}) as db:
        frames = _rows(db, _FRAMES, [str(trace), list(keys)])
        known = _rows(db, _EFFECTS, [str(effects), list(keys)]) if effects.is_file() else []
    found = {}
    for key in dict.fromkeys(keys):
        own = {row["effect"]: row for row in known if row["key"] == key}
        messages = messages_of([f for f in frames if key in f["keys"]], own)
        if messages:
            found[key] = messages
    return found


def first_keys(scenario_dir: Path, most: int) -> tuple[str, ...]:
    """The keys whose effects came first."""
    _, effects = _paths(scenario_dir)
    if not effects.is_file():
        return ()
    with duckdb.connect(config={"threads": 2}) as db:
        return tuple(row["key"] for row in _rows(db, _KEYS, [str(effects), most]))


def messages_of(frames: Iterable[Row], effects: Mapping[int, Row]) -> tuple[Message, ...]:
    """Frames of one key as messages. `effects`: what is known of its effects, by number."""
    found: list[Message] = []
    wal: dict[tuple[int, int | None], int] = {}
    for frame in frames:
        message = _message(frame, effects.get(frame["effect"]))
        if not frame["kind"].startswith(_WAL):
            found.append(message)
            continue
        place = wal.setdefault((frame["connection"], frame["xid"]), len(found))
        if place == len(found):
            found.append(message)
        else:
            found[place] = _joined(found[place], message)
    return tuple(found)


def _message(frame: Row, effect: Row | None) -> Message:
    from_client = frame["direction"] == FROM_CLIENT
    shape = Shape.CONTEXT
    if effect is not None:
        shape = Shape.REQUEST if from_client else Shape.ANSWER
    label, note = _words(frame, effect, shape)
    sender, receiver = frame["node"], frame["server"]
    if not from_client:
        sender, receiver = receiver, sender
    asked = effect is not None and shape is Shape.REQUEST
    is_unanswered = bool(
        asked
        and effect is not None
        and effect["outcome"] == Outcome.REQUESTED.value
        and effect["kind"] in _ANSWERED
    )
    is_failed = not from_client and (
        frame["outcome"] == Outcome.FAILED.value
        or (frame["error"] is not None and shape is Shape.ANSWER)
    )
    says = f"{sender} to {receiver}: {label}" + (f", {note}" if note else "")
    more = f" ({cut(frame['name'], 200)})" if frame["name"] and frame["name"] not in label else ""
    return Message(
        seq=frame["seq"],
        at_s=frame["at_s"],
        client=frame["node"],
        server=frame["server"],
        from_client=from_client,
        shape=shape,
        label=clean(label),
        note=clean(note),
        says=clean(says + more + (", never answered" if is_unanswered else "")),
        effect=frame["effect"],
        address="" if effect is None else effect["address"],
        is_failed=is_failed,
        is_unanswered=is_unanswered,
    )


def _words(frame: Row, effect: Row | None, shape: Shape) -> tuple[str, str]:
    """The label of a frame's arrow, and the note beside it."""
    if effect is None:
        return _context(frame)
    if shape is Shape.ANSWER:
        return _answer(frame, effect)
    kind, detail = effect["kind"], effect["detail"].replace(",", ", ")
    label, note = f"{kind.upper().replace('-', ' ')} {detail}", ""
    match kind:
        case EffectKind.PRODUCE.value:
            note = _others(frame)
        case EffectKind.OFFSET_COMMIT.value:
            groups = ", ".join(dict.fromkeys(p.split(":")[0] for p in detail.split(", ")))
            label = f"OFFSET COMMIT {groups}"
            note = "" if effect["offset"] is None else f"offset {effect['offset']}"
        case EffectKind.FLUSH.value:
            note = f"to {effect['lsn']}"
        case EffectKind.HTTP.value:
            label = frame["name"] or detail
        case _:
            pass
    return label, note


def _answer(frame: Row, effect: Row) -> tuple[str, str]:
    if effect["kind"] == EffectKind.HTTP.value:
        return frame["name"] or frame["outcome"], ""
    if frame["outcome"] == Outcome.FAILED.value:
        error = frame["error"] or ""
        word = "rolled back" if frame["kind"] == "rolled-back" else "refused"
        return word, f"error {error}" if error else ""
    note = ""
    if effect["kind"] == EffectKind.COMMIT.value and effect["xid"] is not None:
        note = f"xid {effect['xid']} · {effect['lsn']}"
    if effect["kind"] == EffectKind.PRODUCE.value and effect["offset"] is not None:
        note = f"{effect['topic']}/{effect['partition']} offset {effect['offset']}"
    return "acknowledged", note


def _context(frame: Row) -> tuple[str, str]:
    kind, name = frame["kind"], frame["name"] or ""
    if kind == "statement":
        found = _SQL.match(name)
        if found is None:
            return cut(" ".join(name.split()), 40), ""
        verb = found[1].split()[0].upper()
        joint = {"INSERT": " INTO", "DELETE": " FROM", "SELECT": " FROM", "MERGE": " INTO"}
        return f"{verb}{joint.get(verb, '')} {found[2]}", ""
    if kind.startswith(_WAL):
        return f"WAL {name}".strip(), f"xid {frame['xid']} · {frame['lsn']}"
    return f"{kind.replace('-', ' ')} {name}".strip(), ""


def _others(frame: Row) -> str:
    """One request may carry records of several keys."""
    others = len(frame["keys"]) - 1
    return f"with {others} more key{'s' if others > 1 else ''}" if others > 0 else ""


def _joined(first: Message, other: Message) -> Message:
    """Rows and commit of one transaction: the rows' names, the commit's LSN."""
    names = [first.label, *([other.label.removeprefix("WAL ")] if other.label != "WAL" else [])]
    label = ", ".join(dict.fromkeys(names))
    says = f"{first.sender} to {first.receiver}: {label}, {other.note}"
    return replace(first, label=label, note=other.note, says=says)


def _paths(scenario_dir: Path) -> tuple[Path, Path]:
    return scenario_dir / "trace.parquet", scenario_dir / "snapshot" / "effects.parquet"


def _rows(db: duckdb.DuckDBPyConnection, sql: str, values: Sequence[object]) -> list[Row]:
    """None where the file cannot be read or is another than it should be."""
    try:
        found = db.execute(sql, list(values))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    except duckdb.Error:
        return []
