"""Errors made from the requests of real clients, read by the parser of a broker's answers."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.kafka import KafkaParser
from harness.wire.kafka_answers import error_response
from harness.wire.kafka_apis import APIS
from harness.wire.kafka_events import (
    OffsetCommitAnswered,
    OffsetCommitRequested,
    ProduceAcknowledged,
    ProducerAnswered,
    ProduceRequested,
    TransactionEndRequested,
)
from harness.wire.stream import LostSync

CAPTURES = Path(__file__).parent / "captures"
EFFECTS = {0, 8, 26, 28}


def requests(path: Path) -> Iterator[bytes]:
    """Every request of a captured conversation, whole."""
    lines = path.read_text(encoding="ascii").splitlines()
    sent = b"".join(bytes.fromhex(line[2:]) for line in lines if line[0] == ">")
    while len(sent) >= 4:
        end = 4 + struct.unpack_from(">i", sent)[0]
        yield sent[:end]
        sent = sent[end:]


def kind(request: bytes) -> tuple[int, int]:
    """Api key and version."""
    key, version = struct.unpack_from(">hh", request, 4)
    return key, version


FOUND = {
    f"{path.stem}-{APIS[kind(request)[0]].name}-{number}": request
    for path in sorted(CAPTURES.glob("kafka-*.txt"))
    for number, request in enumerate(requests(path))
    if kind(request)[0] in EFFECTS
}


def test_the_captures_have_every_effect_in_several_versions() -> None:
    kinds = {kind(request) for request in FOUND.values()}
    assert {key for key, _ in kinds} == EFFECTS
    assert len({version for key, version in kinds if key == 0}) > 1


@pytest.mark.parametrize("name", FOUND)
def test_an_error_is_read_as_the_answer_to_its_request(name: str) -> None:
    request_ = FOUND[name]
    answer = error_response(request_, 6)
    assert answer is not None
    parser = KafkaParser()
    (asked,) = parser.feed_client(request_)
    if isinstance(asked, ProduceRequested) and asked.acks == 0:
        return  # nothing answers it, so nothing would be read
    told = parser.feed_server(answer)
    assert not any(isinstance(event, LostSync) for event in told)
    match asked:
        case ProduceRequested(batches=batches):
            (said,) = told
            assert isinstance(said, ProduceAcknowledged)
            assert {(p.topic, p.partition, p.error) for p in said.partitions} == {
                (b.topic, b.partition, 6) for b in batches
            }
        case OffsetCommitRequested(positions=positions):
            (said,) = told
            assert isinstance(said, OffsetCommitAnswered)
            assert [(p.topic, p.partition, p.error) for p in said.partitions] == [
                (p.topic, p.partition, 6) for p in positions
            ]
        case TransactionEndRequested():
            (said,) = told
            assert isinstance(said, ProducerAnswered)
            assert said.error == 6
        case _:
            pytest.fail(f"{asked} is no effect")


def test_what_is_no_effect_has_no_error() -> None:
    heartbeat = struct.pack(">ihhihh", 12, 12, 0, 7, -1, 0)
    assert error_response(heartbeat, 6) is None


@given(st.binary(max_size=80))
def test_garbage_has_none_and_never_raises(garbage: bytes) -> None:
    told = error_response(struct.pack(">ihh", len(garbage), 0, 9) + garbage, 6)
    assert told is None or len(told) == 4 + struct.unpack_from(">i", told)[0]
