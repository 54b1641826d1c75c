"""Replication slots: which transactions were sent, and up to where they are confirmed."""

from collections import deque
from collections.abc import Iterable

from harness.trace.bounded import trim

_MOST_SENT = 10_000
_MOST_SLOTS = 1024
_MOST_KEYS = 512
"""Of one flush."""


class Slot:
    """One slot of one server, over all connections that read it."""

    __slots__ = ("_sent", "flushed")

    def __init__(self) -> None:
        self.flushed = 0
        """The position that was last confirmed, as far as that was seen."""
        self._sent: deque[tuple[int, tuple[str, ...]]] = deque(maxlen=_MOST_SENT)

    def begins(self, lsn: int) -> None:
        """A stream was asked for from here on: all before is confirmed, and what was sent beyond
        will be sent again."""
        self.flushed = max(self.flushed, lsn)
        self._sent.clear()

    def sent(self, lsn: int, keys: Iterable[str]) -> None:
        """A transaction was sent to its end; its commit record is at `lsn`."""
        if lsn >= self.flushed:
            self._sent.append((lsn, tuple(keys)))

    def flush(self, lsn: int) -> tuple[str, ...] | None:
        """The keys of what this position newly covers, sorted; None where it is not a new one.

        Covered is, for the server too, what was committed by a record before the position.
        """
        if lsn <= self.flushed:
            return None
        self.flushed = lsn
        found: set[str] = set()
        while self._sent and self._sent[0][0] < lsn:
            found.update(self._sent.popleft()[1])
        return tuple(sorted(found)[:_MOST_KEYS])


class Slots:
    """All slots of all servers."""

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: dict[tuple[str, str], Slot] = {}

    def of(self, server: str, name: str) -> Slot:
        found = self._slots.get((server, name))
        if found is None:
            found = self._slots[server, name] = Slot()
            trim(self._slots, _MOST_SLOTS)
        return found

    def forget_keys(self) -> None:
        """What was sent before a scenario is none of its own; positions stay."""
        for slot in self._slots.values():
            slot.begins(0)
