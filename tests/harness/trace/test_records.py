"""Keys of records, by batch and by offset."""

import pytest

from harness.trace.aliases import Aliases
from harness.trace.records import Records, newly_read
from harness.wire.kafka_events import Record

ID = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a01"
PLACE = ("order.events", 2)


def record(key: bytes | None, **headers: str) -> Record:
    found = tuple((name, value.encode()) for name, value in headers.items())
    return Record(key=key, value_bytes=2, headers=found)


def test_a_header_stands_for_its_records_key() -> None:
    """Whichever side has only the id then."""
    aliases = Aliases()
    records = Records(frozenset(), aliases)
    assert records.keys([record(b"17", event_id=ID, kind="placed"), record(None)]) == ("17", "-")
    assert aliases.key(ID) == "17"
    assert records.keys([record(ID.encode()), record(None, event_id=ID)]) == ("17", "17")
    assert records.keys([record(b"")]) == ("-",)


def test_offsets_have_keys_once_records_are_acknowledged() -> None:
    """Each position that is committed covers those since the one before it."""
    records = Records(frozenset(), Aliases())
    records.appended(PLACE, 40, ("17", "-", "18"))
    found = []
    for offset in range(39, 45):
        found.append(records.read("g", PLACE, offset))
        records.committed("g", PLACE, offset)
    assert found == [(), (), ("17",), (), ("18",), ()]
    assert records.read("g", PLACE, 44) == records.read("g", PLACE, 41) == ()
    assert records.read("g", ("order.events", 1), 41) == ()


def test_a_position_has_the_keys_of_all_that_was_newly_read() -> None:
    """Since the one that was committed before; of a group that is new here, all that is known."""
    records = Records(frozenset(), Aliases())
    records.appended(PLACE, 40, ("17", "18", "-", "17", "19"))
    assert records.read("g", PLACE, 44) == ("17", "18")
    records.committed("g", PLACE, 41)
    assert records.read("g", PLACE, 45) == ("18", "17", "19")
    assert records.read("h", PLACE, 42) == ("17", "18")


@pytest.mark.parametrize(
    ("before", "offset", "expected"),
    [
        (None, 3, range(3)),
        (None, 0, range(0)),
        (None, 600, range(88, 600)),
        (5, 7, range(5, 7)),
        (5, 600, range(88, 600)),
        (7, 7, range(0)),
        (7, 5, range(0)),
        (7, 0, range(0)),
        (None, -1, range(0)),
        (-5, -3, range(0)),
    ],
)
def test_what_a_position_newly_covers(before: int | None, offset: int, expected: range) -> None:
    """Nothing where it has not moved on."""
    assert newly_read(before, offset) == expected


def test_a_position_has_moved_until_it_is_committed() -> None:
    """For each group; back is a move as well."""
    records = Records(frozenset(), Aliases())
    assert records.has_moved("g", PLACE, 41)
    records.committed("g", PLACE, 41)
    assert not records.has_moved("g", PLACE, 41)
    assert records.has_moved("g", PLACE, 40)
    assert records.has_moved("h", PLACE, 41)


def test_memory_is_bounded() -> None:
    records = Records(frozenset(), Aliases())
    records.appended(PLACE, 0, ("17",) * 200_001)
    assert records.read("g", PLACE, 1) == ()
    assert records.read("g", PLACE, 200_001) == ("17",)
    for partition in range(20_001):
        records.committed("g", ("t", partition), 1)
    assert records.has_moved("g", ("t", 0), 1)
    assert not records.has_moved("g", ("t", 20_000), 1)
