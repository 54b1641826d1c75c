"""What was asked for, what is done, and what nobody knows."""

import pytest

from harness.model.address import Address
from harness.model.effect import Effect, EffectKind, Outcome
from harness.trace.ledger import Ledger, Link, Part, likes_of

ORDER = Link("order", "order-db", 1)
OTHER = Link("relay", "order-db", 2)
DETAIL = ("orders:insert",)


def commit(ledger: Ledger, *keys: str, link: Link = ORDER, end: int = 10) -> Effect:
    return ledger.ask(link, end, EffectKind.COMMIT, DETAIL, keys)


def earlier(ledger: Ledger, effect: Effect, at: int = 0) -> tuple[int, int]:
    return ledger.earlier(effect, effect.addresses[at])


def test_acknowledged_ones_are_done_whoever_did_them() -> None:
    """Of the same key, on the same server."""
    ledger = Ledger()
    for link, key in ((ORDER, "17"), (OTHER, "17"), (ORDER, "18"), (Link("o", "x-db", 3), "17")):
        ledger.settle(commit(ledger, key, link=link), Outcome.ACKNOWLEDGED)
    effect = commit(ledger, "17")
    assert earlier(ledger, effect) == (2, 0)
    ledger.settle(effect, Outcome.ACKNOWLEDGED)
    assert earlier(ledger, effect) == (2, 0)
    assert earlier(ledger, commit(ledger, "17")) == (3, 0)


def test_each_key_of_an_effect_is_counted() -> None:
    ledger = Ledger()
    ledger.settle(commit(ledger, "17", "18"), Outcome.ACKNOWLEDGED)
    ledger.settle(commit(ledger, "18"), Outcome.ACKNOWLEDGED)
    effect = commit(ledger, "17", "18")
    assert (earlier(ledger, effect, 0), earlier(ledger, effect, 1)) == ((1, 0), (2, 0))


def test_failed_ones_are_not_done() -> None:
    ledger = Ledger()
    ledger.settle(commit(ledger, "17"), Outcome.FAILED)
    assert earlier(ledger, commit(ledger, "17")) == (0, 0)


def test_unanswered_ones_are_doubtful() -> None:
    """Under way, cut off, answered by something unreadable, or never to be answered."""
    ledger = Ledger()
    cut_off = commit(ledger, "17", link=OTHER)
    ledger.close(OTHER)
    ledger.doubt(commit(ledger, "17"))
    under_way = commit(ledger, "17")
    ledger.ask(ORDER, 1, EffectKind.COMMIT, DETAIL, ("17",), is_answered=False)
    effect = commit(ledger, "17")
    assert earlier(ledger, effect) == (0, 4)
    assert ledger.unanswered("order") == (under_way, effect)
    assert earlier(ledger, cut_off) == (0, 4)
    ledger.settle(under_way, Outcome.ACKNOWLEDGED)
    assert earlier(ledger, effect) == (1, 3)


def test_what_its_server_never_got_is_nothing() -> None:
    """Beyond the bytes that were delivered, or withdrawn."""
    ledger = Ledger()
    commit(ledger, "17", link=OTHER, end=10)
    commit(ledger, "17", link=OTHER, end=20)
    ledger.close(OTHER, delivered=19)
    ledger.withdraw(commit(ledger, "17"))
    assert earlier(ledger, commit(ledger, "17")) == (0, 1)


def test_an_effect_is_settled_once() -> None:
    ledger = Ledger()
    effect = commit(ledger, "17")
    for _ in range(2):
        ledger.settle(effect, Outcome.ACKNOWLEDGED)
    ledger.doubt(effect)
    assert earlier(ledger, commit(ledger, "17")) == (1, 0)


def produce(ledger: Ledger, *parts: Part) -> Effect:
    link = Link("order", "kafka-1", 3)
    return ledger.ask(link, 1, EffectKind.PRODUCE, ("events",), ("17",), parts=parts)


RECORDS = ((("produce", "events", "17"), 2),)


def test_parts_are_done_by_themselves() -> None:
    """Of three batches one is there, one is not, and of one nobody knows."""
    ledger = Ledger()
    effect = produce(ledger, *(Part(object(), RECORDS) for _ in range(3)))
    ledger.settle(effect, Outcome.FAILED, (True, False, None))
    assert earlier(ledger, produce(ledger, Part(object(), RECORDS))) == (2, 2)
    assert earlier(ledger, effect) == (0, 2)


def test_what_is_repeated_is_there_once() -> None:
    """A batch whose answer was lost is in doubt until its retry is answered."""
    ledger = Ledger()
    part = Part(("events", 0, 4000, 0, 7), RECORDS)
    produce(ledger, part)
    ledger.close(Link("order", "kafka-1", 3))
    again = produce(ledger, part)
    assert earlier(ledger, again) == (0, 0)
    for effect in (again, produce(ledger, part)):
        ledger.settle(effect, Outcome.ACKNOWLEDGED)
    assert earlier(ledger, again) == (0, 0)
    assert earlier(ledger, produce(ledger, Part(object(), RECORDS))) == (2, 0)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nothing answers would be in doubt for ever; what is settled is remembered for long."""
    for name in ("_MOST_DOUBTS", "_MOST_REMEMBERED", "_MOST_LIKES"):
        monkeypatch.setattr(f"harness.trace.ledger.{name}", 100)
    ledger = Ledger()
    for number in range(1000):
        ledger.ask(ORDER, 1, EffectKind.FLUSH, ("s",), (), is_answered=False)
        effect = produce(ledger, Part(("events", 0, 4000, 0, number), RECORDS))
        ledger.settle(effect, Outcome.ACKNOWLEDGED)
        ledger.settle(commit(ledger, str(number)), Outcome.ACKNOWLEDGED)
    for kept in (ledger._doubts, ledger._known, ledger._added, ledger._done):
        assert 70 < len(kept) <= 100


def test_other_commits_of_a_key_are_told_by_their_detail() -> None:
    """Of the same server, done ones only."""
    ledger = Ledger()
    for detail, key in ((("orders:update",), "17"), (("orders:update",), "18"), (DETAIL, "17")):
        effect = ledger.ask(ORDER, 1, EffectKind.COMMIT, detail, (key,))
        ledger.settle(effect, Outcome.ACKNOWLEDGED)
    effect = commit(ledger, "17")
    assert ledger.others(effect, effect.addresses[0]) == {("orders:update",): 1}
    assert ledger.others(produce(ledger), effect.addresses[0]) == {}


def test_what_is_counted_together() -> None:
    """Records by topic and positions by group and topic, on whichever broker; all else by server."""
    ledger = Ledger()
    details = {
        EffectKind.PRODUCE: ("a", "b"),
        EffectKind.OFFSET_COMMIT: ("g:a",),
        EffectKind.HTTP: ("POST:/orders",),
    }
    likes = [
        likes_of(ledger.ask(ORDER, 1, kind, detail, ()), "17") for kind, detail in details.items()
    ]
    assert likes == [
        (("produce", "a", "17"), ("produce", "b", "17")),
        (("offset-commit", "g:a", "17"),),
        (("http", "order-db", "POST:/orders", "17"),),
    ]
    assert ledger.count(Address.parse("order/*/*")) == 3
