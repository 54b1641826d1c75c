"""The business keys of records: in which batch, at which offset, and up to where groups have read."""

from collections.abc import Sequence

from harness.model.address import NO_KEY
from harness.trace import values
from harness.trace.aliases import Aliases
from harness.trace.bounded import trim
from harness.wire.kafka_events import Record

_MOST_OFFSETS = 200_000
_MOST_POSITIONS = 20_000
_MOST_TEXTS = 4096
_ID_LENGTHS = frozenset({16, 36})
"""Of a unique id, in binary and in text."""

Place = tuple[str, int]
"""A topic and a partition of it."""


class Records:
    """What all connections have shown of records; learns aliases from their headers."""

    __slots__ = (
        "_aliases",
        "_committed",
        "_key_columns",
        "_offsets",
        "_texts",
        "_transactional",
    )

    def __init__(self, key_columns: frozenset[str], aliases: Aliases) -> None:
        self._key_columns = key_columns
        self._aliases = aliases
        self._texts: dict[bytes, str] = {}
        self._transactional: dict[Place, None] = {}
        self._offsets: dict[tuple[Place, int], str] = {}
        self._committed: dict[tuple[str, Place], int] = {}

    def keys(self, records: Sequence[Record]) -> tuple[str, ...]:
        """The key of each record, `-` where it has none."""
        return tuple([self._key(record) for record in records])

    def _key(self, record: Record) -> str:
        data = record.key
        if record.headers:
            ids = [values.of_binary(v) for _, v in record.headers if v and len(v) in _ID_LENGTHS]
        elif not data:
            return NO_KEY
        else:
            ids = []
        if not data:
            found = self._aliases.keys(ids)
            return found.pop() if len(found) == 1 else NO_KEY
        text = self._texts.get(data)
        if text is None:
            text = self._texts[data] = values.of_record_key(data, self._key_columns) or NO_KEY
            trim(self._texts, _MOST_TEXTS)
        key = self._aliases.key(text) or text
        if ids:
            self._aliases.learn(key, ids)
        return key

    def appended(
        self, place: Place, base_offset: int, keys: Sequence[str], *, transactional: bool = False
    ) -> None:
        """A broker has acknowledged records of these keys, from this offset on."""
        for i, key in enumerate(keys):
            if key != NO_KEY:
                self._offsets[place, base_offset + i] = key
        trim(self._offsets, _MOST_OFFSETS)
        if transactional:
            self._transactional[place] = None
            trim(self._transactional, _MOST_POSITIONS)

    def before(self, place: Place, offset: int) -> str | None:
        """The key of the last record that a group has read which goes on at this offset. The end
        of a transaction takes an offset, too, and has none."""
        found = self._offsets.get((place, offset - 1))
        if found is None and place in self._transactional:
            return self._offsets.get((place, offset - 2))
        return found

    def has_moved(self, group: str, place: Place, offset: int) -> bool:
        """Whether the group's position is another one than was last acknowledged."""
        return self._committed.get((group, place)) != offset

    def committed(self, group: str, place: Place, offset: int) -> None:
        """A coordinator has acknowledged a group's position."""
        self._committed[group, place] = offset
        trim(self._committed, _MOST_POSITIONS)
