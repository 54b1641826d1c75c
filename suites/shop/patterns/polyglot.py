"""The payment service in another language with a database of another make, and a second outbox."""

from collections.abc import Mapping

from harness.model.scenario import Hop, Pattern
from harness.model.store_query import StoreQuery

from .shared import (
    APPLIED,
    MARK,
    MONEY,
    OUTBOX,
    UNSENT,
    WITH_OUTBOX,
    WRITER_AND_CONSUMER,
)

_MARIADB = "payment-mariadb"

_MONEY = Hop(name=MONEY.name, node=_MARIADB, query=MONEY.query, says=MONEY.says)
_PAYMENT_OUTBOX = Hop(
    name="payment-outbox",
    node=_MARIADB,
    query="""SELECT * FROM "db.payment-db.outbox" WHERE aggregateid = $key ORDER BY seq""",
    says="the payment's own event was committed with it",
)
_PAYMENT_RECORD = Hop(
    name="payment-record",
    node="kafka-1",
    query="""SELECT * FROM "kafka.payment.events" WHERE key = $key ORDER BY partition, "offset" """,
    says="the payment's event was published",
)
_RECEIPT = Hop(
    name="receipt",
    node="receipts-db",
    query="""SELECT * FROM "db.receipts-db.receipts" WHERE order_id = $key ORDER BY applied_at""",
    says="the customer has a receipt",
)

_POINTS: Mapping[str, str] = {
    **WRITER_AND_CONSUMER,
    APPLIED: "kill:payment-js:before:payment-js/kafka-1/offset-commit(payment:order.events)",
    MARK: "kill:payment-relay:after:payment-relay/kafka-1/produce(payment.events)",
}
"""What is committed in MariaDB taps don't see; what these two services do to the broker they do."""

POLYGLOT = Pattern(
    name="polyglot",
    promises="as outbox-polling; each payment is told, in turn, through an outbox in MariaDB",
    writer="order",
    publisher="relay",
    environment={"PATTERN": "polyglot"},
    points=_POINTS,
    # Not by default: Node.js is an extra.
    faults=(),
    hops=(
        *(_MONEY if hop is MONEY else hop for hop in WITH_OUTBOX),
        _PAYMENT_OUTBOX,
        _PAYMENT_RECORD,
        _RECEIPT,
    ),
    outboxes=(OUTBOX,),
    quiet=(
        UNSENT,
        StoreQuery(
            name="unsent outbox rows of payment",
            node=_MARIADB,
            database="payment",
            sql="SELECT count(*) FROM outbox WHERE sent_at IS NULL",
        ),
    ),
    invariants=("events", "polyglot"),
    stored_as={_MARIADB: "payment-db"},
)
