"""Kafka in few words."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire.kafka import KafkaParser
from harness.wire.kafka_events import (
    ErrorAnswered,
    GroupRequested,
    KafkaEvent,
    OtherAnswered,
    OtherRequested,
)
from tests.harness.wire.kafka_conversations import (
    CHUNKS,
    NAMES,
    answer,
    damaged,
    play,
    recut,
    request,
)


def in_few_words(events: Sequence[KafkaEvent]) -> list[KafkaEvent]:
    """Those that are told to whoever wants no more."""
    beats = {"Heartbeat", "ConsumerGroupHeartbeat", "ShareGroupHeartbeat"}
    return [
        event
        for event in events
        if not isinstance(event, OtherRequested | OtherAnswered)
        and not (isinstance(event, GroupRequested) and event.api in beats)
        and not (isinstance(event, ErrorAnswered) and event.api in beats and not event.error)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_in_few_words_what_has_an_effect_is_told_all_the_same(name: str) -> None:
    """No Fetch, no Metadata, no heartbeat that goes well; all else as ever, the tally too."""
    full, terse = KafkaParser(), KafkaParser(terse=True)
    events = play(CHUNKS[name], full)
    assert play(CHUNKS[name], terse) == in_few_words(events)
    assert len(in_few_words(events)) < len(events)
    assert terse.tally == full.tally


@given(
    st.sampled_from(NAMES),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=8),
    st.lists(st.integers(1, 400), min_size=1, max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_in_few_words_the_same_is_told_of_any_bytes(
    name: str, places: list[tuple[int, int]], sizes: list[int]
) -> None:
    """However damaged, and however they are cut."""
    chunks = damaged(CHUNKS[name], places)
    terse = play(recut(chunks, sizes), KafkaParser(terse=True))
    assert terse == in_few_words(play(chunks))


def test_a_heartbeat_that_is_refused_is_told_in_few_words_too() -> None:
    """27: REBALANCE_IN_PROGRESS."""
    parser = KafkaParser(terse=True)
    assert parser.feed_client(request(12, 0, 1, b"\xff\xff\0\x01g\0\0\0\x05\0\x01m")) == []
    (refused,) = parser.feed_server(answer(1, b"\0\x1b"))
    assert isinstance(refused, ErrorAnswered)
    assert refused.error == 27
