"""The shop's patterns: ways of wiring one flow, from the naive to the sound."""

from .cdc import OUTBOX_CDC
from .outbox import OUTBOX_POLLING, OUTBOX_POLLING_TWO_RELAYS
from .plain import DUAL_WRITE, EVENT_DRIVEN
from .polyglot import POLYGLOT
from .rest import REST_SYNC
from .sagas import SAGA_CHOREOGRAPHY, SAGA_ORCHESTRATION
from .tables import TABLE_CDC, TABLE_POLLING
from .transactions import KAFKA_TRANSACTIONS

PATTERNS = (
    REST_SYNC,
    EVENT_DRIVEN,
    DUAL_WRITE,
    OUTBOX_POLLING,
    OUTBOX_POLLING_TWO_RELAYS,
    OUTBOX_CDC,
    TABLE_CDC,
    TABLE_POLLING,
    SAGA_CHOREOGRAPHY,
    SAGA_ORCHESTRATION,
    KAFKA_TRANSACTIONS,
    POLYGLOT,
)
