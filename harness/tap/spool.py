"""The spool: what the tap saw, written as it goes, read back by the harness of the same run.

A private format between two processes of one interpreter: batches of tuples, each batch a
marshalled list behind its length. What can be told from the others when it is read is not written:
the tap has no time for it. The columns read are `COLUMNS`; times are monotonic nanoseconds.
"""

import marshal
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from harness.model.address import Address
from harness.model.effect import Effect, Outcome
from harness.model.frame import Frame

Row = tuple[Any, ...]

COLUMNS = (
    "seq", "time_ns", "node", "server", "connection", "direction", "kind", "name", "keys", "effect",
    "addresses", "outcome", "xid", "lsn", "topic", "partition", "offset", "size", "digest", "error",
    "payload", "positions",
)  # fmt: skip
_BATCH = 1024
_SIZE = struct.Struct("<I")
_OUTCOMES = {outcome: outcome.value for outcome in Outcome}

Place = tuple[str, str, str, tuple[str, ...], tuple[tuple[str | None, int | None], ...]]
"""Addresses of one effect: client, server, kind, detail, and the key and occurrence of each."""


class Spool:
    """Writes rows. `seq` counts from 1 for each spool."""

    def __init__(self, path: Path | None = None) -> None:
        self._file: BinaryIO | None = path.open("wb") if path is not None else None
        self._rows: list[Row] = []
        self.seq = 0
        self.error: str | None = None
        """Why not everything is written."""
        self._told: set[int] = set()
        """Effects that were written with their addresses, which their answers have no more."""

    def add(
        self,
        time_ns: int,
        link: tuple[str, str, int],
        frame: Frame,
        digest: int | None,
        payload: bytes | None,
    ) -> None:
        """One frame of the link (client, server, connection)."""
        self.seq += 1
        if self._file is None:
            return
        effect, outcome = frame.effect, frame.outcome
        number = places = positions = None
        if effect is not None:
            number, positions = effect.number, _positions(effect)
            if number in self._told:
                self._told.discard(number)
            else:
                places = _place(effect)
                if outcome is Outcome.REQUESTED and effect.is_answered:
                    self._told.add(number)
        self._rows.append(
            (
                time_ns, link, frame.direction, frame.kind, frame.name, frame.keys, number, places,
                None if outcome is None else _OUTCOMES[outcome], frame.xid, frame.lsn, frame.topic,
                frame.partition, frame.offset, frame.end - frame.first, digest, frame.error,
                payload, positions,
            )
        )  # fmt: skip
        if len(self._rows) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what is in memory. What can't be written is lost, and `error` says why: bytes go
        on whether they can be written down or not."""
        if self._file is None or not self._rows:
            return
        rows, self._rows = self._rows, []
        if self.error is not None:
            return
        content = marshal.dumps(rows)
        try:
            self._file.write(_SIZE.pack(len(content)) + content)
            self._file.flush()
        except OSError as error:
            self.error = error.strerror or str(error)

    def close(self) -> None:
        """Write the rest and let go of the file. Idempotent."""
        self.flush()
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):  # the same once more
                file.close()


def _place(effect: Effect) -> Place:
    addresses = effect.addresses
    return (
        effect.client, effect.server, effect.kind.value, effect.detail,
        tuple([(address.key, address.occurrence) for address in addresses]),
    )  # fmt: skip


def _positions(effect: Effect) -> tuple[tuple[str, int, int | None, tuple[str, ...]], ...]:
    """Where its keys go: topic, partition, offset and the keys, that of a record each."""
    return tuple([(p.topic, p.partition, p.offset, p.keys) for p in effect.positions])


def read_spool(path: Path) -> Iterator[Row]:
    """Every row that was written whole, in order; a batch that is cut off at the end is left."""
    texts: dict[int, tuple[str, ...]] = {}
    with path.open("rb") as file:
        seq = 0
        while len(head := file.read(_SIZE.size)) == _SIZE.size:
            (size,) = _SIZE.unpack(head)
            content = file.read(size)
            if len(content) < size:
                return
            for row in marshal.loads(content):  # noqa: S302 - written by our own process
                seq += 1
                yield _told(row, seq, texts)


def _told(row: Row, seq: int, texts: dict[int, tuple[str, ...]]) -> Row:
    """A row as `COLUMNS` has it. `texts`: of effects so far, their addresses."""
    time_ns, link, direction, kind, name, keys, number, place, *others = row
    if place is not None:
        texts[number] = _texts(place)
    addresses = () if number is None else texts[number]
    return (seq, time_ns, *link, direction, kind, name, keys, number, addresses, *others)


def _texts(place: Place) -> tuple[str, ...]:
    client, server, kind, detail, each = place
    return tuple(
        Address(
            client=client, server=server, kind=kind, detail=detail, key=key, occurrence=occurrence
        ).text
        for key, occurrence in each
    )
