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
_MOST_READ = 512
"""Records behind one position that are looked at."""
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
    )

    def __init__(self, key_columns: frozenset[str], aliases: Aliases) -> None:
        self._key_columns = key_columns
        self._aliases = aliases
        self._texts: dict[bytes, str] = {}
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

    def appended(self, place: Place, base_offset: int, keys: Sequence[str]) -> None:
        """A broker has acknowledged records of these keys, from this offset on."""
        for i, key in enumerate(keys):
            if key != NO_KEY:
                self._offsets[place, base_offset + i] = key
        trim(self._offsets, _MOST_OFFSETS)

    def read(self, group: str, place: Place, offset: int) -> tuple[str, ...]:
        """The keys of the records that a group has newly read which goes on at this offset, each
        once, in their order; as far as they are known."""
        found = [
            self._offsets.get((place, at))
            for at in newly_read(self._committed.get((group, place)), offset)
        ]
        return tuple(dict.fromkeys(key for key in found if key is not None))

    def has_moved(self, group: str, place: Place, offset: int) -> bool:
        """Whether the group's position is another one than was last acknowledged."""
        return self._committed.get((group, place)) != offset

    def committed(self, group: str, place: Place, offset: int) -> None:
        """A coordinator has acknowledged a group's position."""
        self._committed[group, place] = offset
        trim(self._committed, _MOST_POSITIONS)


def newly_read(before: int | None, offset: int) -> range:
    """The offsets of the records that lie behind a position and did not lie behind the one before
    it (None: not known), the last 512 of them; none where it has not moved on."""
    return range(max(before or 0, offset - _MOST_READ, 0), max(offset, 0))
