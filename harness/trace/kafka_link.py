"""A connection to a Kafka broker as frames; produce, offset commit and a transaction's end are
effects."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import compress
from typing import Any

from harness.model.address import NO_KEY
from harness.model.effect import Effect, EffectKind, Outcome, Position
from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.trace.ledger import Like, Link, Part
from harness.trace.link import DIRECTIONS, lost
from harness.trace.state import State
from harness.wire import kafka_events as events
from harness.wire.kafka import KafkaParser
from harness.wire.stream import Direction, LostSync

_MOST_KEYS = 512
"""Of one effect."""
_MOST_NAMES = 1024
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DUPLICATE_SEQUENCE = 46
_MAY_BE_DONE = frozenset({7, 20, -1})
"""REQUEST_TIMED_OUT, NOT_ENOUGH_REPLICAS_AFTER_APPEND, UNKNOWN_SERVER_ERROR: the leader may have
written the records."""


class KafkaReader:
    """One connection."""

    __slots__ = (
        "__weakref__",
        "_effects",
        "_fed",
        "_link",
        "_lost",
        "_parser",
        "_state",
    )

    def __init__(self, link: Link, state: State) -> None:
        self._link = link
        self._state = state
        self._parser = KafkaParser(state.topics)
        self._effects: dict[int, tuple[int, Effect]] = {}
        """By where the request starts, those without an answer, with its correlation id."""
        self._fed = {FROM_CLIENT: 0, FROM_SERVER: 0}
        self._lost: set[str] = set()

    def feed(self, direction: str, data: bytes) -> list[Frame]:
        self._fed[direction] += len(data)
        feed = self._parser.feed_client if direction == FROM_CLIENT else self._parser.feed_server
        return [self._frame(event) for event in feed(data)]

    def boundary(self, direction: str) -> int:
        if direction in self._lost:
            return self._fed[direction]
        return self._parser.boundary(DIRECTIONS[direction])

    def close(self, delivered: int | None = None) -> None:
        self._effects.clear()
        self._state.ledger.close(self._link, delivered)

    def forget(self) -> None:
        self._effects.clear()

    def _frame(self, event: events.KafkaEvent) -> Frame:
        if isinstance(event, LostSync):
            self._lost.add(event.direction.value)
            return lost(event)
        asked, answered, name = _NAMES.get((event.api, event.version)) or _name(event)
        if isinstance(event, events.Answer):
            frame = Frame(FROM_SERVER, event.start, event.end, answered, name)
        else:
            frame = Frame(FROM_CLIENT, event.start, event.end, asked, name)
        tell = _TOLD.get(type(event))
        if tell is not None:
            tell(self, event, frame)
        return frame

    def _asked(self, event: events.Request, frame: Frame, effect: Effect) -> None:
        frame.effect, frame.outcome, frame.keys = effect, Outcome.REQUESTED, effect.keys
        if effect.is_answered:
            self._effects[event.start] = event.correlation_id, effect

    def _answered(self, event: events.Answer) -> Effect | None:
        return self._effects.pop(event.request_start, (0, None))[1]

    def _produce(self, event: events.ProduceRequested, frame: Frame) -> None:
        batches = event.batches
        if not batches:
            return
        state = self._state
        found = [state.records.keys(batch.records) for batch in batches]
        keys = set().union(*found)
        keys.discard(NO_KEY)
        detail = tuple(sorted({batch.topic for batch in batches}))
        identities = [_identity(batch) for batch in batches]
        place = (self._link.client, self._link.server, detail)
        effect = state.ledger.ask(
            self._link,
            event.end,
            EffectKind.PRODUCE,
            detail,
            tuple(sorted(keys)[:_MOST_KEYS]),
            parts=tuple(
                [
                    Part(identity or object(), _likes(batch.topic, of_records))
                    for identity, batch, of_records in zip(identities, batches, found, strict=True)
                ]
            ),
            repeats=state.repeats.occurrences(place, identities),
            positions=tuple(
                [
                    Position(
                        topic=batch.topic,
                        partition=batch.partition,
                        keys=of_records,
                        batch=None if identity is None else identity[2:],
                    )
                    for identity, batch, of_records in zip(identities, batches, found, strict=True)
                ]
            ),
            transactional_id=event.transactional_id,
            is_answered=event.acks != 0,
        )
        state.repeats.remember(place, identities, effect)
        self._asked(event, frame, effect)
        frame.topic, frame.partition = batches[0].topic, batches[0].partition

    def _produced(self, event: events.ProduceAcknowledged, frame: Frame) -> None:
        results = event.partitions
        error = next((result.error for result in results if result.error), 0)
        frame.kind = "produce-failed" if error else "produce-acknowledged"
        frame.error = str(error) if error else None
        if results:
            first = results[0]
            frame.topic, frame.partition, frame.offset = (
                first.topic,
                first.partition,
                first.base_offset,
            )
        effect = self._answered(event)
        if effect is None:
            return
        done: list[bool | None] = []
        positions: list[Position] = []
        for i, position in enumerate(effect.positions):
            result = _result(position, results, i)
            done.append(None if result is None else _done(result.error))
            positions.append(self._appended(effect, position, result))
        self._settle(replace(effect, positions=tuple(positions)), frame, error == 0, done)

    def _appended(
        self, effect: Effect, position: Position, result: events.ProducedTo | None
    ) -> Position:
        """The position with its offset, where the broker has told one."""
        if result is None or result.error or result.base_offset < 0:
            return position
        topic, partition, keys = position.topic, position.partition, position.keys
        if effect.keys:
            self._state.records.appended((topic, partition), result.base_offset, keys)
        return Position(
            topic=topic,
            partition=partition,
            offset=result.base_offset,
            keys=keys,
            batch=position.batch,
        )

    def _offset_commit(self, event: events.OffsetCommitRequested, frame: Frame) -> None:
        frame.kind = "offset-commit"
        if not event.positions:
            return
        records, group = self._state.records, event.group
        positions = [
            Position(
                topic=told.topic,
                partition=told.partition,
                offset=told.offset,
                keys=records.read(group, (told.topic, told.partition), told.offset),
                moved=records.has_moved(group, (told.topic, told.partition), told.offset),
            )
            for told in event.positions
        ]
        moved = [position.moved for position in positions]
        is_meant = moved if any(moved) else [True] * len(positions)
        meant = list(compress(positions, is_meant))
        effect = self._state.ledger.ask(
            self._link,
            event.end,
            EffectKind.OFFSET_COMMIT,
            tuple(sorted({f"{group}:{p.topic}" for p in positions})),
            tuple(sorted({key for p in meant for key in p.keys})[:_MOST_KEYS]),
            parts=tuple(
                [
                    Part(object(), _group_likes(group, position) if counts else ())
                    for position, counts in zip(positions, is_meant, strict=True)
                ]
            ),
            positions=tuple(positions),
            group=group,
            transactional_id=event.transactional_id,
        )
        self._asked(event, frame, effect)
        first = meant[0]
        frame.topic, frame.partition, frame.offset = first.topic, first.partition, first.offset

    def _offsets_committed(self, event: events.OffsetCommitAnswered, frame: Frame) -> None:
        error = next((p.error for p in event.partitions if p.error), 0)
        frame.kind = "offset-commit-failed" if error else "offset-commit-acknowledged"
        frame.error = str(error) if error else None
        effect = self._answered(event)
        if effect is None:
            return
        errors = {(p.topic, p.partition): p.error for p in event.partitions}
        done: list[bool | None] = []
        for position in effect.positions:
            place = (position.topic, position.partition)
            is_done = None if place not in errors else errors[place] == 0
            done.append(is_done)
            if is_done and position.offset is not None and effect.group is not None:
                self._state.records.committed(effect.group, place, position.offset)
        self._settle(effect, frame, error == 0, done)

    def _end_txn(self, event: events.TransactionEndRequested, frame: Frame) -> None:
        effect = self._state.ledger.ask(
            self._link,
            event.end,
            EffectKind.END_TXN,
            ("commit" if event.committed else "abort",),
            (event.transactional_id,) if event.transactional_id else (),
            transactional_id=event.transactional_id,
        )
        self._asked(event, frame, effect)

    def _error(self, event: events.ProducerAnswered | events.ErrorAnswered, frame: Frame) -> None:
        if event.error:
            frame.error = str(event.error)
        effect = self._answered(event)
        if effect is not None:
            frame.kind = "end-txn-failed" if event.error else "end-txn-acknowledged"
            self._settle(effect, frame, event.error == 0, [_done(event.error)])

    def _settle(
        self, effect: Effect, frame: Frame, is_acknowledged: bool, done: Sequence[bool | None]
    ) -> None:
        outcome = Outcome.ACKNOWLEDGED if is_acknowledged else Outcome.FAILED
        self._state.ledger.settle(effect, outcome, done)
        frame.effect, frame.outcome, frame.keys = effect, outcome, effect.keys

    def _unparsed(self, event: events.Unparsed, frame: Frame) -> None:
        """An answer that can't be read answers all the same: nobody knows what."""
        frame.direction, frame.kind, frame.error = event.direction.value, "unparsed", event.reason
        if event.direction is Direction.CLIENT:
            return
        for start, (correlation, effect) in self._effects.items():
            if correlation == event.correlation_id:
                del self._effects[start]
                self._state.ledger.doubt(effect)
                return


def _done(error: int) -> bool | None:
    if error in _MAY_BE_DONE:
        return None
    return error in {0, _DUPLICATE_SEQUENCE}


def _identity(batch: events.Batch) -> tuple[str, int, int, int, int] | None:
    """What a retry of an idempotent producer has in common with what it repeats."""
    if batch.producer_id < 0 or batch.base_sequence < 0:
        return None
    return (
        batch.topic,
        batch.partition,
        batch.producer_id,
        batch.producer_epoch,
        batch.base_sequence,
    )


def _result(
    position: Position, results: Sequence[events.ProducedTo], i: int
) -> events.ProducedTo | None:
    """What the broker says of a position: in the order of the request, as a rule."""
    if i < len(results):
        result = results[i]
        if result.partition == position.partition and result.topic == position.topic:
            return result
    place = (position.topic, position.partition)
    return next((r for r in results if (r.topic, r.partition) == place), None)


def _likes(topic: str, keys: Sequence[str]) -> tuple[tuple[Like, int], ...]:
    kind = EffectKind.PRODUCE.value
    if len(keys) == 1:
        return (((kind, topic, keys[0]), 1),)
    return tuple([((kind, topic, key), number) for key, number in Counter(keys).items()])


def _group_likes(group: str, position: Position) -> tuple[tuple[Like, int], ...]:
    kind, to = EffectKind.OFFSET_COMMIT.value, f"{group}:{position.topic}"
    return tuple([((kind, to, key), 1) for key in position.keys or (NO_KEY,)])


_NAMES: dict[tuple[str, int], tuple[str, str, str]] = {}
"""By api and version: a request's kind, an answer's, and the name of both."""


def _name(event: events.Request | events.Answer | events.Unparsed) -> tuple[str, str, str]:
    """Of an api that is seen for the first time."""
    asked = "-".join(_WORDS.sub(" ", event.api).lower().split())
    found = (asked, f"{asked}-answered", f"{event.api} v{event.version}")
    if len(_NAMES) < _MOST_NAMES:
        _NAMES[event.api, event.version] = found
    return found


_TOLD: dict[type, Callable[[KafkaReader, Any, Frame], None]] = {
    events.ProduceRequested: KafkaReader._produce,  # noqa: SLF001 - the table of its own methods
    events.ProduceAcknowledged: KafkaReader._produced,  # noqa: SLF001
    events.OffsetCommitRequested: KafkaReader._offset_commit,  # noqa: SLF001
    events.OffsetCommitAnswered: KafkaReader._offsets_committed,  # noqa: SLF001
    events.TransactionEndRequested: KafkaReader._end_txn,  # noqa: SLF001
    events.ProducerAnswered: KafkaReader._error,  # noqa: SLF001
    events.ErrorAnswered: KafkaReader._error,  # noqa: SLF001
    events.Unparsed: KafkaReader._unparsed,  # noqa: SLF001
}
