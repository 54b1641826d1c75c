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
from collections.abc import Callable
from dataclasses import dataclass

from harness.wire.kafka_apis import APIS, Api, name_of
from harness.wire.kafka_events import KafkaEvent, ProduceRequested, Unparsed
from harness.wire.kafka_framing import Frame, Framer, OutOfSync
from harness.wire.kafka_primitives import Malformed
from harness.wire.kafka_records import Limits
from harness.wire.kafka_requests import Context, read_head, read_request
from harness.wire.kafka_requests import is_read as request_is_read
from harness.wire.kafka_responses import ResponseHead, read_response
from harness.wire.kafka_responses import is_read as response_is_read
from harness.wire.kafka_topics import TopicNames
from harness.wire.stream import Direction, LostSync

MOST_IN_FLIGHT = 10_000
"""Requests that may be unanswered. Brokers read one request of a connection at a time, and
clients have 5 in flight by default; a server that answers none of so many is none."""

_HEAD = struct.Struct(">hhi")
_HEAD_KEPT = 512
"""Enough for the header of a request of which nothing else is read."""
_PRODUCE = 0
_MOST_API_KEY = 1023
_MOST_VERSION = 255
"""Beyond these nothing is believed to be a request: Kafka 4.3 has 93 apis of up to 19 versions."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """How much of a connection was understood."""

    requests: int = 0
    answers: int = 0
    unparsed: int = 0
    batches_unread: int = 0
    """Batches of which not all keys are known."""
    bytes_after_loss: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _InFlight:
    """A request that has no answer yet."""

    api_key: int
    version: int
    correlation_id: int
    start: int
    surely: bool
    """False: whether it will be answered could not be read."""


class KafkaParser:
    """One connection. `topics` may be shared by all connections of a system."""

    def __init__(self, topics: TopicNames | None = None, limits: Limits | None = None) -> None:
        self.tally = Tally()
        self._topics = topics or TopicNames()
        self._limits = limits or Limits()
        self._client = Framer(self._admit_request, least_bytes=8)
        self._server = Framer(self._admit_response, least_bytes=4)
        self._in_flight: deque[_InFlight] = deque()
        self._lost: set[Direction] = set()
        self._first = True

    def feed_client(self, data: bytes) -> list[KafkaEvent]:
        """What the client's next bytes complete."""
        return self._feed(Direction.CLIENT, self._client, data, self._on_request)

    def feed_server(self, data: bytes) -> list[KafkaEvent]:
        """What the server's next bytes complete."""
        return self._feed(Direction.SERVER, self._server, data, self._on_response)

    def boundary(self, direction: Direction) -> int:
        """Up to where the direction's stream is whole messages; what follows is a part of one."""
        return (self._client if direction is Direction.CLIENT else self._server).start

    def _feed(
        self,
        direction: Direction,
        framer: Framer,
        data: bytes,
        read: Callable[[Frame], KafkaEvent],
    ) -> list[KafkaEvent]:
        events: list[KafkaEvent] = []
        if direction in self._lost:
            self.tally.bytes_after_loss += len(data)
            return events
        before = framer.at
        try:
            for frame in framer.feed(data):
                events.append(read(frame))  # noqa: PERF401 - what came before a loss is kept
        except OutOfSync as error:
            self._lost.add(direction)
            self.tally.bytes_after_loss += before + len(data) - framer.start
            events.append(LostSync(direction=direction, from_byte=framer.start, reason=str(error)))
        return events

    def _admit_request(self, head: bytes) -> int:
        key, version, _ = _HEAD.unpack(head)
        known = key in APIS
        if not (0 <= key <= _MOST_API_KEY and 0 <= version <= _MOST_VERSION):
            raise OutOfSync(f"no request: api key {key}, version {version}")
        if self._first and not known:
            raise OutOfSync(f"not Kafka: the first request has api key {key}")
        self._first = False
        return self._limits.kept_bytes if request_is_read(key) else _HEAD_KEPT

    def _on_request(self, frame: Frame) -> KafkaEvent:
        key, version, correlation_id = _HEAD.unpack_from(frame.body)
        self.tally.requests += 1
        event = self._read_request(frame, key, version, correlation_id)
        silent = isinstance(event, ProduceRequested) and event.acks == 0
        if not silent and Direction.SERVER not in self._lost:
            self._await(
                _InFlight(
                    api_key=key,
                    version=version,
                    correlation_id=correlation_id,
                    start=frame.start,
                    surely=key != _PRODUCE or isinstance(event, ProduceRequested),
                )
            )
        return event

    def _await(self, request: _InFlight) -> None:
        """Beyond the most in flight the oldest is forgotten; its answer will then be one that
        nobody asked for."""
        if len(self._in_flight) >= MOST_IN_FLIGHT:
            self._in_flight.popleft()
        self._in_flight.append(request)

    def _read_request(
        self, frame: Frame, key: int, version: int, correlation_id: int
    ) -> KafkaEvent:
        api = APIS.get(key)
        try:
            head, reader = read_head(frame, _spoken(api, key, version), version, correlation_id)
            event = read_request(head, reader, Context(topics=self._topics, limits=self._limits))
        except Malformed as error:
            return self._unparsed(frame, Direction.CLIENT, key, version, correlation_id, error)
        if isinstance(event, ProduceRequested):
            self.tally.batches_unread += sum(b.unread is not None for b in event.batches)
        return event

    def _admit_response(self, head: bytes) -> int:
        """Finds the request that is answered; those before it that may never be are passed."""
        correlation_id = int.from_bytes(head[:4], "big", signed=True)
        waiting = self._in_flight
        while waiting and waiting[0].correlation_id != correlation_id and not waiting[0].surely:
            waiting.popleft()
        if not waiting or waiting[0].correlation_id != correlation_id:
            raise OutOfSync(f"an answer to {correlation_id}, which is not the next request")
        return self._limits.kept_bytes if response_is_read(waiting[0].api_key) else 0

    def _on_response(self, frame: Frame) -> KafkaEvent:
        request = self._in_flight.popleft()
        self.tally.answers += 1
        try:
            api = _spoken(APIS.get(request.api_key), request.api_key, request.version)
            head = ResponseHead(
                frame=frame,
                api=api,
                version=request.version,
                correlation_id=request.correlation_id,
                request_start=request.start,
            )
            return read_response(head, self._topics)
        except Malformed as error:
            return self._unparsed(
                frame,
                Direction.SERVER,
                request.api_key,
                request.version,
                request.correlation_id,
                error,
            )

    def _unparsed(
        self,
        frame: Frame,
        direction: Direction,
        key: int,
        version: int,
        correlation_id: int,
        why: Malformed,
    ) -> Unparsed:
        self.tally.unparsed += 1
        return Unparsed(
            start=frame.start,
            end=frame.end,
            direction=direction,
            api=name_of(key),
            version=version,
            correlation_id=correlation_id,
            reason=str(why),
        )


def _spoken(api: Api | None, key: int, version: int) -> Api:
    """The api, if it has this version; raises Malformed."""
    if api is None:
        raise Malformed(f"api key {key} is unknown")
    if not api.speaks(version):
        raise Malformed(f"version {version} of {api.name} is unknown")
    return api
