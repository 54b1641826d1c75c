"""Effects: durable, externally visible acts of one node on another, as they pass on the wire."""

from enum import Enum

from harness.model.address import Address
from harness.model.fast_value import fast_value


class EffectKind(Enum):
    """What is done. Reads are no effects."""

    COMMIT = "commit"
    """A transaction that wrote. Detail: `table:operation`, each."""
    PRODUCE = "produce"
    """Records appended. Detail: the topics."""
    OFFSET_COMMIT = "offset-commit"
    """A group's position, inside a transaction or not. Detail: `group:topic`, each."""
    END_TXN = "end-txn"
    """A Kafka transaction's end. Detail: `commit` or `abort`; the key is the transactional id."""
    FLUSH = "flush"
    """A replication slot's confirmed position moved on. Detail: the slot. Nothing answers it."""
    HTTP = "http"
    """A request that may change something. Detail: `METHOD:/path`, keys in it as `{}`."""


class Outcome(Enum):
    """What the wire says became of an effect."""

    REQUESTED = "requested"
    """Asked for and not answered: done or not."""
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"


@fast_value
class Position:
    """A place in a topic's partition. `offset` of a produce is that of its first record, None
    until it is known; of an offset commit it is the next one to be read."""

    topic: str
    partition: int
    offset: int | None = None
    keys: tuple[str, ...] = ()
    """Business keys of the records that go there."""
    batch: tuple[int, int, int] | None = None
    """Of records of an idempotent producer: its id, its epoch, and the number of the first. They
    name a batch, on the wire and in the log, and a retry has the same."""
    moved: bool = False
    """Of an offset commit: whether the group was last seen to stand elsewhere."""


@fast_value
class Effect:
    """One effect. Several keys in one message are one effect with as many addresses."""

    number: int
    """One order over all taps of a scenario, from 1."""
    client: str
    server: str
    connection: int
    kind: EffectKind
    detail: tuple[str, ...]
    keys: tuple[str, ...]
    """Business keys, each once, sorted; empty where none is known."""
    addresses: tuple[Address, ...]
    """One for each key, in the order of `keys`; one with the key `-` where there is none."""
    positions: tuple[Position, ...] = ()
    """Of produce and offset commit."""
    group: str | None = None
    slot: str | None = None
    lsn: str | None = None
    """Of a flush: `0/1805AC0`."""
    transactional_id: str | None = None
    is_answered: bool = True
    """Whether an answer is to be expected at all: none to a flush, none to acks=0."""
