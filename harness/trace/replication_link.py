"""The replication stream of a PostgreSQL connection as frames; a slot that is flushed is an effect.

Row changes carry the keys that are in them; a flush has those of the transactions it newly covers.
"""

import re

from harness.model.effect import EffectKind, Outcome
from harness.model.frame import Frame
from harness.trace import values
from harness.trace.bounded import trim
from harness.trace.ledger import Link
from harness.trace.state import State
from harness.wire import replication_events as events
from harness.wire.postgres_events import FromClient, FromServer
from harness.wire.replication_events import Columns, lsn_text
from harness.wire.sql import recognise_one

_START = re.compile(r"logical\s+([0-9a-f]{1,8})/([0-9a-f]{1,8})")
_MOST_TRANSACTIONS = 256
_MOST_KEYS = 512


class ReplicationReader:
    """One connection."""

    __slots__ = ("_block", "_keys", "_link", "_name", "_state")

    def __init__(self, link: Link, state: State) -> None:
        self._link = link
        self._state = state
        self._name = ""
        self._block: int | None = None
        self._keys: dict[int, set[str]] = {}
        """By xid, of transactions whose end was not sent yet."""

    def asked(self, sql: str) -> None:
        """START_REPLICATION, or another command of a replication connection."""
        statement = recognise_one(sql)
        start = _START.search(statement.options)
        if start is not None and sql[:5].lower() == "start":
            self._name = statement.name or ""
            lsn = (int(start[1], 16) << 32) + int(start[2], 16)
            self._state.slots.of(self._link.server, self._name).begins(lsn)

    def frame(self, event: FromClient | FromServer) -> Frame:
        """What a message of the stream says."""
        if isinstance(event, events.SlotFlush):
            return self._flush(event)
        if isinstance(event, events.WalRow):
            return self._row(event)
        frame = Frame(
            direction=event.direction.value, first=event.first, end=event.end, kind="wal-other"
        )
        match event:
            case events.WalBegin():
                frame.kind, frame.xid, frame.lsn = "wal-begin", event.xid, lsn_text(event.lsn)
            case events.WalCommit():
                frame.kind, frame.xid = "wal-commit", event.xid
                frame.lsn, frame.keys = lsn_text(event.lsn), self._commit(event)
            case events.WalRelation():
                frame.kind, frame.name = "wal-relation", event.table
            case events.WalTruncate():
                frame.kind, frame.xid = "wal-truncate", event.xid
                frame.name, frame.lsn = ", ".join(event.tables)[:200], lsn_text(event.lsn)
            case events.WalMessage():
                frame.kind, frame.name = "wal-message", event.prefix
                frame.lsn = lsn_text(event.lsn)
            case events.Keepalive():
                frame.kind, frame.lsn = "keepalive", lsn_text(event.lsn)
            case events.WalOther():
                frame.name, frame.xid = event.name, event.xid
                self._follow(event)
            case _:
                pass
        return frame

    def _follow(self, event: events.WalOther) -> None:
        """Rows inside a streamed block name their subtransaction; they are the block's."""
        if event.name == "Stream Start":
            self._block = event.xid
        elif event.name == "Stream Stop":
            self._block = None

    def _row(self, event: events.WalRow) -> Frame:
        keys = self._row_keys(event.new) | self._row_keys(event.old)
        if keys:
            seen = self._keys.setdefault(self._block or event.xid, set())
            if len(seen) < _MOST_KEYS:
                seen |= keys
            trim(self._keys, _MOST_TRANSACTIONS)
        return Frame(
            direction=event.direction.value,
            first=event.first,
            end=event.end,
            kind="wal-row",
            name=f"{event.table}:{event.operation.value}",
            keys=tuple(sorted(keys)),
            xid=event.xid,
            lsn=lsn_text(event.lsn),
        )

    def _row_keys(self, columns: Columns) -> set[str]:
        keys: set[str] = set()
        others: list[str] = []
        for name, value in columns:
            text = values.of_param(value)
            if text and name in self._state.key_columns:
                keys.add(text)
            elif text:
                others.append(text)
        if len(keys) == 1:
            self._state.aliases.learn(next(iter(keys)), others)
        return keys or self._state.aliases.keys(others)

    def _commit(self, event: events.WalCommit) -> tuple[str, ...]:
        keys = tuple(sorted(self._keys.pop(event.xid, ())))
        self._state.slots.of(self._link.server, self._name).sent(event.lsn, keys)
        return keys

    def _flush(self, event: events.SlotFlush) -> Frame:
        frame = Frame(
            direction=event.direction.value,
            first=event.first,
            end=event.end,
            kind="status-update",
            lsn=lsn_text(event.lsn),
        )
        keys = self._state.slots.of(self._link.server, event.slot).flush(event.lsn)
        if keys is None or not event.slot:
            return frame
        effect = self._state.ledger.ask(
            self._link,
            event.end,
            EffectKind.FLUSH,
            (event.slot,),
            keys,
            slot=event.slot,
            lsn=frame.lsn,
            is_answered=False,
        )
        frame.kind, frame.keys = "flush", keys
        frame.effect, frame.outcome = effect, Outcome.REQUESTED
        return frame
