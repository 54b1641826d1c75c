"""Values in statements, as drivers send them."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trace.sql_values import Params, Read, template

ID = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a01"
KEYS = frozenset({"order_id", "aggregateid", "Order Id"})


def rows(sql: str, *params: str | bytes | None) -> list[Read]:
    """The rows that are inserted."""
    return template(sql, KEYS).read(params)[0]


def keys(sql: str, *params: str | bytes | None) -> tuple[str, ...]:
    """What key columns are said to equal."""
    return template(sql, KEYS).read(params)[1].keys


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("INSERT INTO orders (order_id, product_id) VALUES ($1, $2)", ("17", "tea")),
        ("insert into public.orders(product_id,order_id) values($2,$1)", ("17", "tea")),
        ('INSERT INTO "orders" AS o ("order_id", product_id) VALUES ($1, $2)', ("17", "tea")),
        ("INSERT INTO orders (order_id, product_id) VALUES ('17', 'tea')", ()),
        ("INSERT INTO orders (order_id, product_id) VALUES (17, E'tea')", ()),
        ("INSERT INTO orders (order_id, product_id) VALUES (($1::int4), 'tea'::text)", (b"\0\x11",)),
        ("INSERT INTO orders (order_id, product_id) VALUES (CAST($1 AS uuid), $2)", ("17", "tea")),
        ("INSERT INTO orders (order_id, product_id) OVERRIDING SYSTEM VALUE VALUES ($1, 'tea')", ("17",)),
        (("WITH x AS (INSERT INTO orders (order_id, product_id) VALUES ($1, $2) RETURNING 1)"
         " SELECT 1"), ("17", "tea")),
        ("INSERT INTO orders (order_id, product_id) SELECT $1, $2 WHERE true", ("17", "tea")),
        (("INSERT INTO orders (order_id, product_id, at)\n-- the time\nVALUES ($1, $2, now())"
         " ON CONFLICT (order_id) DO UPDATE SET product_id = EXCLUDED.product_id"), ("17", "tea")),
    ],
)  # fmt: skip
def test_rows_of_insert(sql: str, params: Params) -> None:
    """Columns by name, values as parameters or literals, with casts."""
    told = rows(sql.replace("tea", ID), *[ID if param == "tea" else param for param in params])
    assert told == [Read(("17",), (ID,))]


def test_several_rows() -> None:
    """As psycopg's executemany, pgjdbc's reWriteBatchedInserts and Go's builders send them."""
    sql = "INSERT INTO lines (order_id, line) VALUES ($1, $2), ($3, 2), ('19', $4::int)"
    assert rows(sql, "17", "1", "18", "3") == [
        Read(("17",), ()),
        Read(("18",), ()),
        Read(("19",), ()),
    ]


def test_rows_from_arrays() -> None:
    """As many as there are elements."""
    sql = "INSERT INTO outbox (order_id, id, n) SELECT * FROM unnest($1::text[], $2::uuid[], $3)"
    assert rows(sql, "{17,18,19}", f"{{{ID},NULL,{ID}}}", "{1,2}") == [
        Read(("17",), (ID,)),
        Read(("18",), ()),
        Read(("19",), (ID,)),
    ]


def test_without_columns_values_are_only_values() -> None:
    assert rows(f"INSERT INTO orders VALUES ($1, '{ID}', 'tea')", "17") == [Read((), (ID,))]


def test_ids_in_binary_and_in_text() -> None:
    """What is as long as one and is none is left out."""
    sql = "INSERT INTO t (a, b, c, d, e, f) VALUES ($1, $2, $3, $4, $5, $6)"
    params = (UUID(ID).bytes, ID, ID.encode(), "x" * 36, b"\0\1", None)
    assert rows(sql, *params) == [Read((), (ID, ID, ID))]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO orders DEFAULT VALUES",
        "INSERT INTO orders TABLE old",
        "INSERT INTO orders (order_id) SELECT order_id FROM old",
        "INSERT INTO orders (order_id) SELECT * FROM old",
        "INSERT INTO orders (order_id) VALUES (gen_random_uuid()), ($1 || 'a'), (DEFAULT)",
        "SELECT 'INSERT INTO orders (order_id) VALUES (17)'",
        "INSERT INTO orders (order_id",
        "INSERT INTO orders (order_id) VALUES",
    ],
)
def test_what_is_not_in_the_text_is_not_told(sql: str) -> None:
    """Nor is what is computed."""
    assert [row for row in rows(sql, "17") if row.keys or row.ids] == []


@pytest.mark.parametrize(
    ("sql", "params", "expected"),
    [
        ("UPDATE orders SET a = 1 WHERE order_id = $1", ("17",), ("17",)),
        ("UPDATE orders o SET a = $1 WHERE o.order_id = $2 AND a < 3", ("1", "17"), ("17",)),
        ('UPDATE orders SET a = 1 WHERE "Order Id" = 17', (), ("17",)),
        ("UPDATE orders SET a = 1 WHERE (order_id = ('17'::uuid))", (), ("17",)),
        ("UPDATE orders SET a = 1 WHERE order_id = -17", (), ("-17",)),
        ("UPDATE orders SET a = 1 WHERE order_id = CAST($1 AS numeric(10,2))", ("17",), ("17",)),
        ("UPDATE orders SET a = 1 WHERE order_id = uuid '17'", (), ("17",)),
        ("UPDATE orders SET order_id = $1 WHERE order_id = $2", ("18", "17"), ("18", "17")),
        ("DELETE FROM orders WHERE order_id IN ($1, '18', 19)", ("17",), ("17", "18", "19")),
        ("DELETE FROM orders WHERE order_id = ANY($1)", ("{17,18}",), ("17", "18")),
        ("DELETE FROM orders WHERE order_id = ANY ('{17,18}'::text[])", (), ("17", "18")),
        ("DELETE FROM orders WHERE order_id = ANY(ARRAY['17', $1]::text[])", ("18",), ("17", "18")),
        ("DELETE FROM orders WHERE order_id = ANY(($1)::uuid[])", ("{17}",), ("17",)),
        ("DELETE FROM orders WHERE order_id = E'a\\'b'", (), ("a'b",)),
        ("DELETE FROM orders WHERE order_id = 'a''b'", (), ("a'b",)),
        ("DELETE FROM orders WHERE order_id = $1", (None,), ()),
        ("DELETE FROM orders WHERE order_id = $2", ("17",), ()),
        ("DELETE FROM orders WHERE order_id = $0", ("17",), ()),
        ("DELETE FROM orders WHERE order_id = $1 + 1", ("17",), ()),
        ("DELETE FROM orders WHERE order_id > $1 AND order_id <> $1", ("17",), ()),
        ("DELETE FROM orders WHERE order_id IN (SELECT order_id FROM old)", (), ()),
        ("DELETE FROM orders WHERE order_id =", (), ()),
        ("DELETE FROM orders USING old WHERE orders.order_id = old.order_id", (), ()),
        ("INSERT INTO l (o) VALUES ((SELECT o FROM orders WHERE order_id = $1))", ("17",), ("17",)),
    ],
)  # fmt: skip
def test_conditions(sql: str, params: Params, expected: tuple[str, ...]) -> None:
    """Equal to one value or to one of several; in WHERE and in SET."""
    assert keys(sql, *params) == expected


def test_other_columns_are_told_apart() -> None:
    found = template("UPDATE outbox SET sent = true WHERE id = ANY($1) AND n = 3", KEYS)
    assert found.read((f"{{{ID},b}}",)) == ([], Read((), (ID,)))


@pytest.mark.parametrize(
    "piece",
    [
        "x in (1, ",
        "x = any (",
        "x = 1::a(",
        "cast(",
        "x = cast(",
        "insert into t (",
        "insert into t values (",
        "insert into t select ",
        "(",
        "x = (",
        "1::int[",
    ],
)
def test_reading_takes_time_in_proportion_to_the_text(piece: str) -> None:
    """As much as nesting can do in the longest text that is read."""
    found = template(piece * 9000, KEYS)
    assert found.conditions.keys == ()


@given(st.text("insertoval()$1'=,;:[] \"", max_size=60), st.lists(st.none() | st.binary()))
def test_every_text_is_read(sql: str, params: list[bytes | None]) -> None:
    """And whatever comes with it."""
    found = template(f"INSERT INTO t (order_id) VALUES {sql}", KEYS)
    rows, conditions = found.read(params)
    assert all(all(read.keys) for read in (*rows, conditions))
