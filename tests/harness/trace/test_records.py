"""Keys of records, by batch and by offset."""

from harness.trace.aliases import Aliases
from harness.trace.records import Records
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
    """The one before the position that a group commits."""
    records = Records(frozenset(), Aliases())
    records.appended(PLACE, 40, ("17", "-", "18"))
    found = [records.before(PLACE, offset) for offset in range(39, 45)]
    assert found == [None, None, "17", None, "18", None]
    assert records.before(("order.events", 1), 41) is None


def test_the_end_of_a_transaction_takes_an_offset() -> None:
    """In partitions to which transactions go, the record before it counts."""
    records = Records(frozenset(), Aliases())
    records.appended(PLACE, 40, ("17", "18"), transactional=True)
    records.appended(("t", 0), 40, ("17",))
    found = [records.before(PLACE, offset) for offset in range(41, 45)]
    assert found == ["17", "18", "18", None]
    assert records.before(("t", 0), 42) is None


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
    assert (records.before(PLACE, 1), records.before(PLACE, 200_001)) == (None, "17")
    for partition in range(20_001):
        records.committed("g", ("t", partition), 1)
    assert records.has_moved("g", ("t", 0), 1)
    assert not records.has_moved("g", ("t", 20_000), 1)
