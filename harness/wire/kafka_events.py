"""What is seen on a connection to Kafka, as values.

Each event is one whole message: `start` and `end` are its place in its direction's stream, its
size prefix included. An answer also says where its request started (`request_start`), which is
unique on a connection. Error codes are Kafka's own, 0 is none.
"""

from typing import NamedTuple, TypeAlias

from harness.wire.stream import Direction, LostSync, event


@event
class Request:
    """A request, whatever it asks."""

    start: int
    end: int
    api: str
    version: int
    correlation_id: int
    client_id: str | None


@event
class Answer:
    """A response, whatever it says."""

    start: int
    end: int
    api: str
    version: int
    correlation_id: int
    request_start: int


Headers: TypeAlias = tuple[tuple[str, bytes | None], ...]
"""Of a record: names and values."""


class Record(NamedTuple):
    """One record of a batch, without its value. A tuple, because batches have hundreds."""

    key: bytes | None
    value_bytes: int | None
    """None: a tombstone."""
    headers: Headers


class Batch(NamedTuple):
    """One record batch. A retry of an idempotent producer has the same producer id, epoch and
    base sequence (all -1 where the producer is not idempotent)."""

    topic: str
    partition: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    transactional: bool
    codec: str
    count: int  # type: ignore[assignment] # hides a method of tuples that nobody calls
    """How many records the batch says it has."""
    records: tuple[Record, ...]
    """Those that were read: the first ones, and all of them unless `unread` says why not."""
    keys: frozenset[bytes]
    """The semantic key of the batch: the keys of its records."""
    unread: str | None = None


@event
class ProduceRequested(Request):
    """Records on their way. With `acks` 0 nothing answers: they are sent, and no more is known."""

    transactional_id: str | None
    acks: int
    batches: tuple[Batch, ...]
    complete: bool
    """False: the message was too large to be kept, and may have more batches."""


class ProducedTo(NamedTuple):
    """What became of one partition's batch."""

    topic: str
    partition: int
    error: int
    base_offset: int


@event
class ProduceAcknowledged(Answer):
    """The broker's word on each partition; only those with error 0 are acknowledged."""

    partitions: tuple[ProducedTo, ...]


@event
class Position:
    """A consumer group's next offset in a partition."""

    topic: str
    partition: int
    offset: int


@event
class OffsetCommitRequested(Request):
    """OffsetCommit, or, with a transactional id, TxnOffsetCommit."""

    group: str
    member: str
    generation: int
    transactional_id: str | None
    positions: tuple[Position, ...]


@event
class PartitionResult:
    """What became of one partition."""

    topic: str
    partition: int
    error: int


@event
class OffsetCommitAnswered(Answer):
    """The group coordinator's word on each partition."""

    partitions: tuple[PartitionResult, ...]


@event
class TransactionEndRequested(Request):
    """EndTxn: commit or abort."""

    transactional_id: str
    producer_id: int
    producer_epoch: int
    committed: bool


@event
class ProducerIdRequested(Request):
    """InitProducerId; with a transactional id it fences earlier producers of that id."""

    transactional_id: str | None


@event
class ProducerAnswered(Answer):
    """Answer to InitProducerId and EndTxn. The producer's id and epoch from now on; -1 where the
    version doesn't tell."""

    error: int
    producer_id: int
    producer_epoch: int


@event
class PartitionsAddRequested(Request):
    """AddPartitionsToTxn of a client (brokers' own batches of it are told by name only)."""

    transactional_id: str
    producer_id: int
    producer_epoch: int
    partitions: tuple[tuple[str, int], ...]


@event
class PartitionsAddAnswered(Answer):
    """The transaction coordinator's word on each partition."""

    partitions: tuple[PartitionResult, ...]


@event
class CoordinatorRequested(Request):
    """FindCoordinator of groups (kind 0), transactional ids (1) or share partitions (2)."""

    kind: int
    keys: tuple[str, ...]


@event
class Coordinator:
    """Where a coordinator is."""

    key: str | None
    """None in versions that ask for one only."""
    error: int
    node: int
    host: str
    port: int


@event
class CoordinatorAnswered(Answer):
    """Which broker to go to."""

    coordinators: tuple[Coordinator, ...]


@event
class GroupRequested(Request):
    """Membership of a consumer group: `api` says what is asked."""

    group: str
    member: str | None
    generation: int | None
    transactional_id: str | None = None


@event
class ErrorAnswered(Answer):
    """An answer of which only the error code is read."""

    error: int


@event
class OtherRequested(Request):
    """Any other request."""


@event
class OtherAnswered(Answer):
    """Any other answer."""


@event
class Unparsed:
    """A message that is framed but not understood: an unknown api or version, or a body that is
    not what its version says. It passes, and the stream goes on."""

    start: int
    end: int
    direction: Direction
    api: str
    version: int
    correlation_id: int
    reason: str


KafkaEvent = Request | Answer | Unparsed | LostSync
