"""The business keys of records: in which batch, at which offset, and up to where groups have read."""

from collections.abc import Sequence

from harness.model.address import NO_KEY
from harness.trace import values
from harness.trace.aliases import Aliases
from harness.trace.bounded import trim
from harness.wire.kafka_events import Record

_MOST_OFFSETS = 200_000
_MOST_POSITIONS = 20_000

Place = tuple[str, int]
"""A topic and a partition of it."""


class Records:
    """What all connections have shown of records; learns aliases from their headers."""

    __slots__ = ("_aliases", "_committed", "_key_columns", "_offsets")

    def __init__(self, key_columns: frozenset[str], aliases: Aliases) -> None:
        self._key_columns = key_columns
        self._aliases = aliases
        self._offsets: dict[tuple[Place, int], str] = {}
        self._committed: dict[tuple[str, Place], int] = {}

    def keys(self, records: Sequence[Record]) -> tuple[str, ...]:
        """The key of each record, `-` where it has none."""
        return tuple([self._key(record) for record in records])

    def _key(self, record: Record) -> str:
        others = [values.of_binary(value) for _, value in record.headers if value]
        if not record.key:
            found = self._aliases.keys(others)
            return found.pop() if len(found) == 1 else NO_KEY
        text = values.of_record_key(record.key, self._key_columns)
        key = self._aliases.key(text) or text
        if others:
            self._aliases.learn(key, others)
        return key or NO_KEY

    def appended(self, place: Place, base_offset: int, keys: Sequence[str]) -> None:
        """A broker has acknowledged records of these keys, from this offset on."""
        if base_offset < 0:
            return
        for i, key in enumerate(keys):
            if key != NO_KEY:
                self._offsets[place, base_offset + i] = key
        trim(self._offsets, _MOST_OFFSETS)

    def before(self, place: Place, offset: int) -> str | None:
        """The key of the last record that a group has read which goes on at this offset."""
        return self._offsets.get((place, offset - 1))

    def has_moved(self, group: str, place: Place, offset: int) -> bool:
        """Whether the group's position is another one than was last acknowledged."""
        return self._committed.get((group, place)) != offset

    def committed(self, group: str, place: Place, offset: int) -> None:
        """A coordinator has acknowledged a group's position."""
        self._committed[group, place] = offset
        trim(self._committed, _MOST_POSITIONS)
