"""Slots: what a confirmed position newly covers."""

from harness.trace.slots import Slot, Slots


def test_a_flush_has_the_keys_of_what_it_covers() -> None:
    """Every transaction whose commit record lies before it, and that no flush has covered yet."""
    slot = Slot()
    for lsn, keys in ((100, ("17",)), (200, ("19", "18")), (300, ()), (400, ("20",))):
        slot.sent(lsn, keys)
    assert slot.flush(100) == ()
    assert slot.flush(301) == ("17", "18", "19")
    assert slot.flush(301) is None
    assert slot.flush(200) is None
    assert slot.flush(401) == ("20",)
    assert slot.flush(500) == ()


def test_a_new_stream_sends_again_what_was_not_confirmed() -> None:
    """It is covered once."""
    slot = Slot()
    slot.begins(50)
    slot.sent(100, ("17",))
    slot.begins(0)
    slot.sent(40, ("16",))
    slot.sent(100, ("17",))
    assert slot.flush(50) is None
    assert slot.flush(150) == ("17",)


def test_a_slot_is_one_of_its_server() -> None:
    """A scenario begins without its keys, and with its position."""
    slots = Slots()
    slots.of("order-db", "s").flush(100)
    slots.of("order-db", "s").sent(200, ("17",))
    assert slots.of("other-db", "s").flushed == 0
    slots.forget_keys()
    assert slots.of("order-db", "s").flush(100) is None
    assert slots.of("order-db", "s").flush(300) == ()


def test_memory_is_bounded() -> None:
    slot = Slot()
    for number in range(10_001):
        slot.sent(number + 1, (f"{number:05}",))
    keys = slot.flush(20_000)
    assert keys is not None
    assert (len(keys), keys[0]) == (512, "00001")
    slots = Slots()
    first = slots.of("db", "0")
    for number in range(1, 1025):
        slots.of("db", str(number))
    assert slots.of("db", "0") is not first
