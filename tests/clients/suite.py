"""The same dual write in four client stacks; each is a pattern, its node is always `writer`."""

import shlex
from pathlib import Path
from random import Random

from harness.model.request import Request
from harness.model.scenario import Hop, Pattern
from harness.model.store_query import StoreQuery
from harness.model.suite import Suite

from .build import commands

_HERE = Path(__file__).resolve().parent
_ORDERS = 60
"""How many are written; with the pause between two of them about as long as the workload."""
_SPAN_S = 3.0
_REQUESTS = 15

_HOPS = (
    Hop(
        name="order",
        node="writer-db",
        query="""SELECT * FROM "db.writer-db.orders" WHERE order_id = $key""",
        says="the order was committed",
    ),
    Hop(
        name="record",
        node="kafka-1",
        query="""
            SELECT * FROM "kafka.orders.placed" WHERE key = $key ORDER BY partition, "offset"
        """,
        says="its event was published",
    ),
)

_STILL_TO_COME = StoreQuery(
    name="orders still to come",
    node="writer-db",
    database="writer",
    sql=f"SELECT {_ORDERS} - count(*) FROM orders",
)

PATTERNS = tuple(
    Pattern(
        name=stack,
        promises="nothing: commits the order, then publishes; what happens in between is lost",
        writer="writer",
        publisher="writer",
        environment={
            "WRITER": shlex.join(argv),
            "LAST_ORDER": str(_ORDERS),
            "START": "on-request",
        },
        controls={"kill-between-commit-and-publish": "no-order-lost"},
        points={
            "kill-between-commit-and-publish": "kill:writer:after:writer/writer-db/commit(orders,*)",
            "kill-before-commit": "kill:writer:before:writer/writer-db/commit(orders,*)",
        },
        faults=("none", "kill-between-commit-and-publish"),
        hops=_HOPS,
        quiet=(_STILL_TO_COME,),
    )
    for stack, argv in commands().items()
)


def plan(_: Random) -> tuple[Request, ...]:
    """The writer is told to begin, and needs nobody to go on: its health is asked for meanwhile."""
    looks = (
        Request(
            due_s=number * _SPAN_S / _REQUESTS,
            f="look",
            key=f"look-{number}",
            method="GET",
            path="/health",
        )
        for number in range(1, _REQUESTS)
    )
    return (Request(due_s=0.0, f="start", key="writer", method="POST", path="/start"), *looks)


SUITE = Suite(
    name="clients",
    about="one dual write with the clients of Python (two sets), Java and Go",
    compose=_HERE / "compose.yaml",
    invariants=_HERE / "invariants",
    patterns=PATTERNS,
    committed=StoreQuery(
        name="committed orders",
        node="writer-db",
        database="writer",
        sql="SELECT order_id FROM orders",
    ),
    entry=("writer", 8080),
    plan=plan,
    key_columns=frozenset({"order_id"}),
)
