"""A replication stream inside COPY BOTH: XLogData with pgoutput, keepalives, status updates.

Knows pgoutput 1 to 4, streamed and two-phase transactions by name and with the tables they
write; of another plug-in only that something came. Relations are remembered by number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.wire.fields import EndOfFields, Fields, decoded
from harness.wire.postgres_events import FromClient, FromServer
from harness.wire.postgres_framing import Frame, NotAMessage
from harness.wire.replication_events import (
    Columns,
    Keepalive,
    SlotFlush,
    WalBegin,
    WalCommit,
    WalMessage,
    WalOther,
    WalRelation,
    WalRow,
    WalTruncate,
)
from harness.wire.sql import Operation, Write, table_name

_MOST_RELATIONS = 1024
_MOST_STREAMED = 256
_MOST_WRITES = 1024
_LONGEST_VALUE = 4096

_NAMES = {
    "O": "Origin",
    "Y": "Type",
    "S": "Stream Start",
    "E": "Stream Stop",
    "A": "Stream Abort",
    "b": "Begin Prepare",
    "P": "Prepare",
    "K": "Commit Prepared",
    "r": "Rollback Prepared",
    "p": "Stream Prepare",
}
_XLOG_DATA, _KEEPALIVE = b"wk"
_TEXT, _BINARY, _NULL, _UNCHANGED = b"tbnu"
"""Kinds of columns in TupleData."""
_WITH_XID = frozenset("RYIUDTM")
"""Messages that name their transaction when they are inside a streamed block."""


@dataclass(frozen=True, slots=True)
class _Relation:
    table: str
    columns: tuple[str, ...]


class Replication:
    """One stream, from CopyBothResponse on."""

    __slots__ = (
        "_frame",
        "_in_stream",
        "_is_pgoutput",
        "_lsn",
        "_relations",
        "_streamed",
        "_writes",
        "_xid",
        "slot",
    )

    def __init__(self, *, slot: str, is_pgoutput: bool) -> None:
        self.slot = slot
        self._is_pgoutput = is_pgoutput
        self._relations: dict[int, _Relation] = {}
        self._streamed: dict[int, set[Write]] = {}
        self._writes: set[Write] = set()
        self._in_stream = False
        self._xid = 0
        self._lsn = 0
        self._frame = Frame(0, b"", 0, 0, True)

    def client(self, frame: Frame) -> FromClient | None:
        """Read a CopyData of the client."""
        fields = Fields(frame.body)
        try:
            if not fields.left or fields.byte() != ord("r"):
                return None
            written, flushed, applied, _ = (fields.int64() for _ in range(4))
            return SlotFlush(
                first=frame.first,
                end=frame.end,
                slot=self.slot,
                lsn=flushed,
                written=written,
                applied=applied,
                wants_reply=fields.byte() != 0,
            )
        except EndOfFields:
            raise NotAMessage(frame.first, "a standby status update that is too short") from None

    def server(self, frame: Frame) -> FromServer | None:
        """Read a CopyData of the server."""
        self._frame = frame
        fields = Fields(frame.body)
        try:
            kind = fields.byte() if fields.left else 0
            if kind == _XLOG_DATA:
                self._lsn, _, _ = fields.int64(), fields.int64(), fields.int64()
                return self._message(fields)
            if kind == _KEEPALIVE:
                lsn, _, reply = fields.int64(), fields.int64(), fields.byte()
                return Keepalive(first=frame.first, end=frame.end, lsn=lsn, wants_reply=reply != 0)
        except EndOfFields:
            if frame.whole:
                raise NotAMessage(frame.first, "a replication message that is too short") from None
        return None

    def _message(self, fields: Fields) -> FromServer:
        if not self._is_pgoutput or not fields.left:
            return self._other("Data")
        kind = chr(fields.byte())
        xid = fields.uint32() if self._in_stream and kind in _WITH_XID else self._xid
        operation = _OPERATIONS.get(kind)
        if operation is not None:
            return self._row(fields, xid, operation)
        reader = _READERS.get(kind)
        return self._named(kind, fields) if reader is None else reader(self, fields, xid)

    def _begin(self, fields: Fields, _xid: int) -> FromServer:
        lsn, _, self._xid = fields.int64(), fields.int64(), fields.uint32()
        self._writes = set()
        return WalBegin(first=self._frame.first, end=self._frame.end, xid=self._xid, lsn=lsn)

    def _commit(self, fields: Fields, xid: int) -> FromServer:
        fields.byte()
        found = self._committed(xid, fields, self._writes)
        self._writes, self._xid = set(), 0
        return found

    def _stream_commit(self, fields: Fields, _xid: int) -> FromServer:
        xid = fields.uint32()
        fields.byte()
        return self._committed(xid, fields, self._streamed.pop(xid, set()))

    def _committed(self, xid: int, fields: Fields, writes: set[Write]) -> WalCommit:
        return WalCommit(
            first=self._frame.first,
            end=self._frame.end,
            xid=xid,
            lsn=fields.int64(),
            end_lsn=fields.int64(),
            writes=frozenset(writes),
        )

    def _relation(self, fields: Fields, _xid: int) -> FromServer:
        oid, schema, name = fields.uint32(), fields.text(), fields.text()
        fields.byte()
        columns = []
        for _ in range(fields.int16()):
            fields.byte()
            columns.append(fields.text())
            fields.take(8)
        relation = _Relation(table_name(schema, name), tuple(columns))
        self._relations.pop(oid, None)
        self._relations[oid] = relation
        if len(self._relations) > _MOST_RELATIONS:
            del self._relations[next(iter(self._relations))]
        return WalRelation(
            first=self._frame.first,
            end=self._frame.end,
            oid=oid,
            table=relation.table,
            columns=relation.columns,
        )

    def _row(self, fields: Fields, xid: int, operation: Operation) -> FromServer:
        relation = self._known(fields.uint32())
        self._note(xid, Write(table=relation.table, operation=operation))
        new: Columns = ()
        old: Columns = ()
        try:
            while fields.left:
                which = fields.byte()
                columns = _tuple(fields, relation.columns)
                if which == ord("N"):
                    new = columns
                else:
                    old = columns
        except EndOfFields:
            if self._frame.whole:
                raise
        return WalRow(
            first=self._frame.first,
            end=self._frame.end,
            xid=xid,
            lsn=self._lsn,
            table=relation.table,
            operation=operation,
            new=new,
            old=old,
        )

    def _truncate(self, fields: Fields, xid: int) -> FromServer:
        count, _ = fields.int32(), fields.byte()
        if not 0 <= count <= fields.left // 4:
            raise EndOfFields
        tables = tuple(self._known(fields.uint32()).table for _ in range(count))
        for table in tables:
            self._note(xid, Write(table=table, operation=Operation.TRUNCATE))
        return WalTruncate(
            first=self._frame.first, end=self._frame.end, xid=xid, lsn=self._lsn, tables=tables
        )

    def _emitted(self, fields: Fields, _xid: int) -> FromServer:
        flags, lsn, prefix = fields.byte(), fields.int64(), fields.text()
        size = fields.int32()
        content = fields.take(size) if self._frame.whole else fields.rest()
        return WalMessage(
            first=self._frame.first,
            end=self._frame.end,
            lsn=lsn,
            prefix=prefix,
            content=content[:_LONGEST_VALUE],
            is_transactional=bool(flags & 1),
        )

    def _named(self, kind: str, fields: Fields) -> FromServer:
        """A message that is told by its name; streamed blocks are followed."""
        xid = fields.uint32() if kind in "SAp" and fields.left >= 4 else None
        if kind == "S" and xid is not None:
            self._in_stream, self._xid = True, xid
        elif kind == "E":
            self._in_stream, self._xid = False, 0
        elif kind == "A" and xid is not None and fields.left >= 4 and fields.uint32() == xid:
            self._streamed.pop(xid, None)
        elif kind == "b":
            self._writes = set()
        return self._other(_NAMES.get(kind, "Data"), xid)

    def _other(self, name: str, xid: int | None = None) -> FromServer:
        return WalOther(first=self._frame.first, end=self._frame.end, name=name, xid=xid)

    def _known(self, oid: int) -> _Relation:
        return self._relations.get(oid) or _Relation(f"#{oid}", ())

    def _note(self, xid: int, write: Write) -> None:
        writes = self._writes
        if self._in_stream:
            # A subtransaction names itself; what it wrote is its parent's, the block's.
            writes = self._streamed.setdefault(self._xid or xid, set())
            if len(self._streamed) > _MOST_STREAMED:
                del self._streamed[next(iter(self._streamed))]
        if len(writes) < _MOST_WRITES:
            writes.add(write)


_OPERATIONS = {"I": Operation.INSERT, "U": Operation.UPDATE, "D": Operation.DELETE}

_READERS: dict[str, Callable[[Replication, Fields, int], FromServer]] = {
    "B": Replication._begin,  # noqa: SLF001 - the table of its own methods
    "C": Replication._commit,  # noqa: SLF001
    "c": Replication._stream_commit,  # noqa: SLF001
    "R": Replication._relation,  # noqa: SLF001
    "T": Replication._truncate,  # noqa: SLF001
    "M": Replication._emitted,  # noqa: SLF001
}


def _tuple(fields: Fields, names: Sequence[str]) -> Columns:
    """TupleData; columns of an unknown relation are named by their place."""
    found: list[tuple[str, str | bytes | None]] = []
    for i in range(fields.int16()):
        name = names[i] if i < len(names) else str(i)
        kind = fields.byte()
        if kind == _TEXT:
            found.append((name, decoded(fields.take(fields.int32())[:_LONGEST_VALUE])))
        elif kind == _BINARY:
            found.append((name, fields.take(fields.int32())[:_LONGEST_VALUE]))
        elif kind == _NULL:
            found.append((name, None))
        elif kind != _UNCHANGED:
            raise EndOfFields
    return tuple(found)
