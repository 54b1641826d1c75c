"""The table of orders itself, read from the write-ahead log by Debezium, or looked into by a poller."""

from harness.model.scenario import ANY_FAULT, Hop, Pattern
from harness.model.store_query import LoggedChanges, Published, StoreQuery
from suites.shop.workload_of_changes import LOOK_S, plan_of_changes

from .shared import CONNECTORS, EFFECTS, FLUSH, MARK, REQUEST, WRITER_AND_CONSUMER

TOPIC = "order.table"
LOST = "no-change-lost"

_CHANGES = """
    SELECT
        columns->>'order_id' AS order_id, operation,
        (columns->>'version')::BIGINT + (operation = 'delete')::BIGINT AS version,
        columns->>'quantity' AS quantity, columns->>'status' AS status, xid, lsn, position
    FROM transactions
    WHERE node = 'order-db' AND "table" = 'orders' AND key = $key
"""
CHANGE = Hop(
    name="change",
    node="order-db",
    query=f"""
        WITH "db.order-db.orders" AS ({_CHANGES})
        SELECT * EXCLUDE (position) FROM "db.order-db.orders" ORDER BY lsn(lsn), position
    """,  # noqa: S608 - the suite's own text
    says="each of its changes was committed",
)
"""From the log: the table has only the last of them, and of an order that was erased none."""
TOLD = Hop(
    name="record",
    node="kafka-1",
    query=f"""
        WITH changes AS ({_CHANGES}),
        records AS (
            SELECT
                (value->>'version')::BIGINT + (value->>'__op' = 'd')::BIGINT AS version,
                partition, "offset", value
            FROM "kafka.order.table" WHERE key = $key AND committed
        )
        SELECT
            version, changes.operation, changes.xid, changes.lsn, partition, "offset", value,
            "offset" IS NULL AS missing
        FROM changes
        FULL JOIN records USING (version)
        ORDER BY version, "offset"
    """,  # noqa: S608 - the suite's own text
    says="each of its changes has a record",
)
HOPS = (REQUEST, CHANGE, TOLD, *EFFECTS)

_PUBLISHED = f"produce({TOPIC})"

TABLE_CDC = Pattern(
    name="table-cdc",
    promises="every committed change of an order's row, deletion included, is published at least "
    "once, in order, by Debezium",
    writer="order",
    publisher="connect",
    environment={"PATTERN": "table-cdc", "TOPIC": TOPIC, "CONNECTOR": "order-table"},
    connectors=(CONNECTORS / "order-table.json",),
    points={
        **WRITER_AND_CONSUMER,
        MARK: f"kill:connect:after:connect/kafka-1/{_PUBLISHED}",
        FLUSH: "kill:connect:before:connect/order-db/flush",
    },
    faults=(MARK,),
    hops=HOPS,
    published=(
        Published(
            events=LoggedChanges(name="captured changes", node="order-db", table="orders"),
            topic=TOPIC,
            header="__txId",
        ),
    ),
    invariants=("tables",),
    plan=plan_of_changes,
)

TABLE_POLLING = Pattern(
    name="table-polling",
    promises="nothing: publishes what rows are like when it looks; what was in between, and that "
    "one is gone, it cannot see",
    writer="order",
    publisher="poller",
    environment={"PATTERN": "table-polling", "TOPIC": TOPIC},
    controls={ANY_FAULT: LOST},
    points={**WRITER_AND_CONSUMER, MARK: f"kill:poller:after:poller/kafka-1/{_PUBLISHED}"},
    faults=("none",),
    hops=HOPS,
    published=(
        Published(
            events=StoreQuery(
                # A row that was committed late, below the cursor, is one that it will never find.
                name="rows past the cursor",
                node="order-db",
                database="orders",
                sql="""SELECT order_id || '/' || version FROM orders
                    WHERE updated_at > (SELECT updated_at FROM poller_cursor)""",
            ),
            topic=TOPIC,
            header="event_id",
        ),
    ),
    invariants=("tables",),
    plan=plan_of_changes,
    clock_s=LOOK_S,
)
