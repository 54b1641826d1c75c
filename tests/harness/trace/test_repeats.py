"""Retries of idempotent producers."""

from harness.model.effect import Effect, EffectKind
from harness.trace.ledger import Ledger, Link
from harness.trace.repeats import Repeats

PLACE = ("order", "kafka-1", ("events",))


def effect(*keys: str) -> Effect:
    ledger = Ledger()
    link = Link("order", "kafka-1", 1)
    return ledger.ask(link, 1, EffectKind.PRODUCE, ("events",), keys)


def test_a_request_whose_every_batch_is_known_is_a_retry() -> None:
    """From and to the same place; together or one by one."""
    repeats = Repeats()
    repeats.remember(PLACE, (1, 2, None), effect("17", "18"))
    assert repeats.occurrences(PLACE, (2, 1)) == {"17": 1, "18": 1}
    assert repeats.occurrences(PLACE, (1,)) == {"17": 1, "18": 1}
    assert repeats.occurrences(PLACE, (1, 3)) is None
    assert repeats.occurrences(PLACE, (1, None)) is None
    assert repeats.occurrences(("order", "kafka-2", ("events",)), (1,)) is None


def test_records_without_a_key_are_repeated_too() -> None:
    repeats = Repeats()
    repeats.remember(PLACE, (1,), effect())
    assert repeats.occurrences(PLACE, (1,)) == {"-": 1}


def test_what_was_sent_long_ago_is_forgotten() -> None:
    repeats = Repeats()
    for number in range(4097):
        repeats.remember(PLACE, (number,), effect("17"))
    assert repeats.occurrences(PLACE, (0,)) is None
    assert repeats.occurrences(PLACE, (4096,)) == {"17": 1}
