"""The spool: what the tap saw, written as it goes, read back by the harness of the same run.

A private format between two processes of one interpreter: batches of tuples, each batch a
marshalled list behind its length. The columns are `COLUMNS`; times are monotonic nanoseconds.
"""

import marshal
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from harness.model.effect import Effect
from harness.model.frame import Frame

Row = tuple[Any, ...]

COLUMNS = (
    "seq", "time_ns", "node", "server", "connection", "direction", "kind", "name", "keys", "effect",
    "addresses", "outcome", "xid", "lsn", "topic", "partition", "offset", "size", "digest", "error",
    "payload", "positions",
)  # fmt: skip
_BATCH = 1024
_SIZE = struct.Struct("<I")


class Spool:
    """Writes rows. `seq` counts from 1 for each spool."""

    def __init__(self, path: Path | None = None) -> None:
        self._file: BinaryIO | None = path.open("wb") if path is not None else None
        self._rows: list[Row] = []
        self.seq = 0
        self.error: str | None = None
        """Why not everything is written."""

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
        self._rows.append(
            (
                self.seq, time_ns, *link, frame.direction, frame.kind, frame.name, frame.keys,
                None if effect is None else effect.number, _addresses(effect),
                None if outcome is None else outcome.value, frame.xid, frame.lsn, frame.topic,
                frame.partition, frame.offset, frame.end - frame.first, digest, frame.error, payload,
                None if effect is None else _positions(effect),
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


def _addresses(effect: Effect | None) -> tuple[str, ...]:
    return () if effect is None else tuple(address.text for address in effect.addresses)


def _positions(effect: Effect) -> tuple[tuple[str, int, int | None, tuple[str, ...]], ...]:
    """Where its keys go: topic, partition, offset and the keys, that of a record each."""
    return tuple((p.topic, p.partition, p.offset, p.keys) for p in effect.positions)


def read_spool(path: Path) -> Iterator[Row]:
    """Every row that was written whole, in order; a batch that is cut off at the end is left."""
    with path.open("rb") as file:
        while len(head := file.read(_SIZE.size)) == _SIZE.size:
            (size,) = _SIZE.unpack(head)
            content = file.read(size)
            if len(content) < size:
                return
            yield from marshal.loads(content)  # noqa: S302 - written by our own process
