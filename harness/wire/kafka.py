"""One connection to a Kafka broker, read from the bytes of both directions.

Promises: never raises, whatever is fed; the same bytes give the same events however they are cut
into chunks; what is kept is bounded by `Limits` and by `MOST_IN_FLIGHT`. A message that is not
understood is `Unparsed` and passes; a stream that is no Kafka is `LostSync` once, and the rest
of it is counted. Does no I/O and knows no time.

Responses carry no api key: each is matched to its request by order and correlation id, both of
which the protocol guarantees on a connection. A Produce with acks 0 is never answered.
"""

import struct
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from harness.wire import kafka_requests, kafka_responses, stream
from harness.wire.kafka_apis import APIS, Api, name_of
from harness.wire.kafka_beginnings import Beginnings
from harness.wire.kafka_events import (
    Answer,
    ErrorAnswered,
    KafkaEvent,
    OtherAnswered,
    OtherRequested,
    ProduceAcknowledged,
    ProduceRequested,
    Request,
    Unparsed,
)
from harness.wire.kafka_framing import Framer
from harness.wire.kafka_primitives import Malformed, Reader
from harness.wire.kafka_records import Budget, Limits
from harness.wire.kafka_requests import Producer, read_head, read_produce, read_request
from harness.wire.kafka_responses import Appended, ResponseHead, read_appended, read_response
from harness.wire.kafka_topics import TopicNames
from harness.wire.stream import Direction, OutOfSync

MOST_IN_FLIGHT = 10_000
"""Requests that may be unanswered. Brokers read one request of a connection at a time, and
clients have 5 in flight by default; a server that answers none of so many is none."""

_HEAD = struct.Struct(">hhi")
_CORRELATION = struct.Struct(">i")
_HEAD_KEPT = 512
"""Enough for the header of a request of which nothing else is read."""
_PRODUCE = 0
_HEARTBEATS = frozenset({12, 68, 76})
"""Of members of groups: Heartbeat, ConsumerGroupHeartbeat, ShareGroupHeartbeat."""
_MOST_API_KEY = 1023
_MOST_VERSION = 255
"""Beyond these nothing is believed to be a request: Kafka 4.3 has 93 apis of up to 19 versions."""


@dataclass(slots=True, kw_only=True)
class Tally(stream.Tally):
    """How much of a connection was understood."""

    unparsed: int = 0
    batches_unread: int = 0
    """Batches of which not all keys are known."""


class _InFlight(NamedTuple):
    """A request that has no answer yet."""

    key: int
    version: int
    correlation_id: int
    start: int
    is_sure: bool
    """False: whether it will be answered could not be read."""


class KafkaParser(stream.Feeding[KafkaEvent, Tally]):
    """One connection. `topics` may be shared by all connections of a system.

    With `terse` nothing is told of what has no effect: neither Fetch, Metadata and the other apis
    of which only the name is read, nor heartbeats that go well.
    """

    def __init__(
        self,
        topics: TopicNames | None = None,
        limits: Limits | None = None,
        *,
        terse: bool = False,
    ) -> None:
        client = Framer(self._admit_request, self._on_request, self._known_produce, least_bytes=8)
        server = Framer(self._admit_response, self._on_response, self._known_answer, least_bytes=4)
        super().__init__(client, server, Tally())
        self._topics = topics or TopicNames()
        self._limits = limits or Limits()
        self._terse = terse
        self._asked = kafka_requests.Context(topics=self._topics, budget=Budget(self._limits))
        self._answered = kafka_responses.Context(topics=self._topics)
        self._producers: Beginnings[Producer] = Beginnings()
        self._appended: Beginnings[Appended] = Beginnings()
        self._in_flight: deque[_InFlight] = deque()
        self._first = True

    def _known_produce(self, data: bytes, at: int, stop: int, start: int, end: int) -> bool:
        """Reads a Produce request to one partition that begins as one did before it."""
        found = self._producers.find(data, at + _HEAD.size, stop)
        if found is None or stop - at > self._limits.kept_bytes:
            return False
        producer, after = found
        key, version, correlation_id = _HEAD.unpack_from(data, at)
        if key != _PRODUCE or version != producer.version:
            return False
        budget = self._asked.budget
        left = budget.records
        try:
            event = read_produce(
                producer, self._asked, data, after, stop, (start, end), correlation_id
            )
        except (Malformed, IndexError, struct.error):
            event = None
        if event is None:
            budget.records = left
            return False
        self._tell_request(key, version, correlation_id, event)
        return True

    def _admit_request(self, data: bytes, at: int) -> int:
        key, version, _ = _HEAD.unpack_from(data, at)
        if not (0 <= key <= _MOST_API_KEY and 0 <= version <= _MOST_VERSION):
            raise OutOfSync(f"no request: api key {key}, version {version}")
        if self._first and key not in APIS:
            raise OutOfSync(f"not Kafka: the first request has api key {key}")
        self._first = False
        return self._limits.kept_bytes if key in kafka_requests.DECODERS else _HEAD_KEPT

    def _on_request(self, data: bytes, at: int, stop: int, start: int, end: int) -> None:
        key, version, correlation_id = _HEAD.unpack_from(data, at)
        event: Request | Unparsed
        try:
            head, reader = read_head(data, at, stop, start, end, _spoken(key, version))
            event = read_request(head, reader, self._asked)
        except Malformed as error:
            request = key, version, correlation_id
            event = self._unparsed(Direction.CLIENT, request, start, end, error)
        if isinstance(event, ProduceRequested) and self._asked.only_producer is not None:
            producer, after = self._asked.only_producer
            self._producers.learn(data, at + _HEAD.size, after, producer)
        self._tell_request(key, version, correlation_id, event)

    def _tell_request(
        self, key: int, version: int, correlation_id: int, event: Request | Unparsed
    ) -> None:
        self.tally.requests += 1
        is_sure = is_answered = True
        if isinstance(event, ProduceRequested):
            is_answered = event.acks != 0
            for batch in event.batches:
                if batch.unread is not None:
                    self.tally.batches_unread += 1
        elif key == _PRODUCE:
            is_sure = False
        if not self._terse or not _has_no_effect(key, event):
            self._events.append(event)
        if is_answered and not (self._lost and Direction.SERVER in self._lost):
            self._await(_InFlight(key, version, correlation_id, event.start, is_sure))

    def _await(self, request: _InFlight) -> None:
        """Beyond the most in flight the oldest is forgotten; its answer will then be one that
        nobody asked for."""
        if len(self._in_flight) >= MOST_IN_FLIGHT:
            self._in_flight.popleft()
        self._in_flight.append(request)

    def _known_answer(self, data: bytes, at: int, stop: int, start: int, end: int) -> bool:
        """Reads the answer of one partition, if all is well, that begins as one did before it."""
        found = self._appended.find(data, at + _CORRELATION.size, stop)
        if found is None or not self._in_flight or stop - at > self._limits.kept_bytes:
            return False
        appended, after = found
        key, version, correlation_id, asked, _ = self._in_flight[0]
        if key != _PRODUCE or version != appended.version:
            return False
        if _CORRELATION.unpack_from(data, at) != (correlation_id,):
            return False
        event = read_appended(
            appended, self._topics, data, after, stop, (start, end), (correlation_id, asked)
        )
        if event is None:
            return False
        self._in_flight.popleft()
        self.tally.answers += 1
        self._events.append(event)
        return True

    def _admit_response(self, data: bytes, at: int) -> int:
        """Finds the request that is answered; those before it that may never be are passed."""
        (correlation_id,) = _CORRELATION.unpack_from(data, at)
        waiting = self._in_flight
        while waiting and waiting[0].correlation_id != correlation_id and not waiting[0].is_sure:
            waiting.popleft()
        if not waiting or waiting[0].correlation_id != correlation_id:
            raise OutOfSync(f"an answer to {correlation_id}, which is not the next request")
        return self._limits.kept_bytes if waiting[0].key in kafka_responses.DECODERS else 0

    def _on_response(self, data: bytes, at: int, stop: int, start: int, end: int) -> None:
        key, version, correlation_id, asked, _ = self._in_flight.popleft()
        self.tally.answers += 1
        event: Answer | Unparsed
        try:
            is_cut = stop - at < end - start - 4
            api = _spoken(key, version)
            head = ResponseHead(start, end, api, version, correlation_id, asked, is_cut)
            reader = Reader(data, at + _CORRELATION.size, stop)
            event = read_response(head, reader, self._answered)
        except Malformed as error:
            request = key, version, correlation_id
            event = self._unparsed(Direction.SERVER, request, start, end, error)
        if isinstance(event, ProduceAcknowledged) and self._answered.only_appended is not None:
            appended, after = self._answered.only_appended
            self._appended.learn(data, at + _CORRELATION.size, after, appended)
        if not self._terse or not _has_no_effect(key, event):
            self._events.append(event)

    def _unparsed(
        self,
        direction: Direction,
        request: tuple[int, int, int],
        start: int,
        end: int,
        why: Malformed,
    ) -> Unparsed:
        self.tally.unparsed += 1
        key, version, correlation_id = request
        return Unparsed(
            start=start,
            end=end,
            direction=direction,
            api=name_of(key),
            version=version,
            correlation_id=correlation_id,
            reason=str(why),
        )


def _has_no_effect(key: int, event: Request | Answer | Unparsed) -> bool:
    """Whether whoever wants few words is not told."""
    if key in _HEARTBEATS:
        is_failure = isinstance(event, ErrorAnswered) and event.error != 0
        return not is_failure and not isinstance(event, Unparsed)
    return isinstance(event, OtherRequested | OtherAnswered)


def _spoken(key: int, version: int) -> Api:
    """The api, if it has this version; raises Malformed."""
    api = APIS.get(key)
    if api is None:
        raise Malformed(f"api key {key} is unknown")
    if not api.oldest <= version <= api.newest:
        raise Malformed(f"version {version} of {api.name} is unknown")
    return api
