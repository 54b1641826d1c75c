"""The shop: one flow from order to stock, payment, shipment, review and notification, in many
patterns."""

from pathlib import Path

from harness.model.steady import Answers, Counts
from harness.model.store_query import StoreQuery
from harness.model.suite import Suite

from .patterns import PATTERNS
from .patterns.shared import COMPOSE_DIR
from .workload import plan

SUITE = Suite(
    name="shop",
    about="customers order products; stock, payment, shipment, review and notification follow",
    compose=COMPOSE_DIR / "shop.yaml",
    invariants=Path(__file__).resolve().parent / "invariants",
    patterns=PATTERNS,
    committed=StoreQuery(
        name="committed orders",
        node="order-db",
        database="orders",
        sql="SELECT order_id, version FROM orders",
    ),
    entry=("order", 8080),
    plan=plan,
    named_faults={
        f"{part}-{ill}": text
        for part in ("review", "notification")
        for ill, text in (
            ("down", f"down:{part}"),
            ("hangs", f"hang:{part}"),
            ("errors", f"errors=500:*/{part}"),
        )
    },
    key_columns=frozenset({"order_id", "aggregateid"}),
    steady=(
        Answers(node="order", port=8080, path="/health", within_s=1.0),
        Counts(
            query=StoreQuery(
                name="products in stock",
                node="inventory-db",
                database="inventory",
                sql="SELECT count(*) FROM stock",
            ),
            least=1,
        ),
    ),
)
