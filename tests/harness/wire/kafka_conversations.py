"""Conversations of real clients with Kafka, and literal messages, to feed a parser."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from harness.wire.kafka import KafkaParser
from harness.wire.kafka_events import KafkaEvent

CAPTURES = Path(__file__).parent / "captures"
NAMES = sorted(p.stem for p in CAPTURES.glob("kafka-*.txt"))

T = TypeVar("T")
Chunk = tuple[str, bytes]


def load(name: str) -> list[Chunk]:
    """`>` from the client or `<` from the server, and what one read gave."""
    lines = (CAPTURES / f"{name}.txt").read_text(encoding="ascii").splitlines()
    return [(line[0], bytes.fromhex(line[2:])) for line in lines]


CHUNKS = {name: load(name) for name in NAMES}


def play(chunks: Sequence[Chunk], parser: KafkaParser | None = None) -> list[KafkaEvent]:
    """All events of a connection."""
    parser = parser or KafkaParser()
    events: list[KafkaEvent] = []
    for direction, data in chunks:
        events += (parser.feed_client if direction == ">" else parser.feed_server)(data)
    return events


def recut(chunks: Sequence[Chunk], sizes: Sequence[int]) -> list[Chunk]:
    """The same bytes in the same order, in pieces of these sizes over and over."""
    cut: list[Chunk] = []
    for direction, data in chunks:
        at = 0
        while at < len(data):
            size = sizes[len(cut) % len(sizes)]
            cut.append((direction, data[at : at + size]))
            at += size
    return cut


def request(key: int, version: int, correlation_id: int, body: bytes = b"\xff\xff") -> bytes:
    """A request's bytes; the body begins with the client id (null)."""
    message = struct.pack(">hhi", key, version, correlation_id) + body
    return struct.pack(">i", len(message)) + message


def answer(correlation_id: int, body: bytes = b"") -> bytes:
    """A response's bytes."""
    return struct.pack(">ii", 4 + len(body), correlation_id) + body


def only(kind: type[T], events: Sequence[KafkaEvent]) -> list[T]:
    """The events of this kind."""
    return [event for event in events if isinstance(event, kind)]


def damaged(chunks: Sequence[Chunk], places: Sequence[tuple[int, int]]) -> list[Chunk]:
    """The chunks with some bytes changed."""
    data = bytearray(b"".join(data for _, data in chunks))
    for where, value in places:
        data[where % len(data)] = value
    at = 0
    changed: list[Chunk] = []
    for direction, chunk in chunks:
        changed.append((direction, bytes(data[at : at + len(chunk)])))
        at += len(chunk)
    return changed
