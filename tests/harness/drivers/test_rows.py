"""PostgreSQL's types as Arrow's."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from harness.drivers.rows import Column, table_of


@pytest.mark.parametrize(
    ("postgres", "arrow"),
    [
        ("bool", pa.bool_()),
        ("int2", pa.int16()),
        ("int4", pa.int32()),
        ("int8", pa.int64()),
        ("float8", pa.float64()),
        ("text", pa.string()),
        ("uuid", pa.string()),
        ("jsonb", pa.string()),
        ("_int4", pa.string()),
        ("bytea", pa.binary()),
        ("timestamptz", pa.timestamp("us", tz="UTC")),
        ("timestamp", pa.timestamp("us")),
        ("date", pa.date32()),
    ],
)
def test_a_type_is_the_same_with_and_without_rows(postgres: str, arrow: pa.DataType) -> None:
    """An empty table has its columns' types."""
    column = Column(name="c", type=postgres)
    assert column.array_of([]).type == arrow
    assert column.array_of([None]).type == arrow


@pytest.mark.parametrize(
    ("postgres", "expression"),
    [("int4", "{}"), ("numeric", "{}"), ("uuid", "{}::text"), ("hstore", "{}::text")],
)
def test_what_arrow_has_no_type_for_is_selected_as_text(postgres: str, expression: str) -> None:
    """DuckDB then reads back what PostgreSQL printed."""
    assert Column(name="c", type=postgres).expression == expression


def test_a_declared_numeric_keeps_its_type() -> None:
    """numeric(10, 2) is decimal128(10, 2)."""
    column = Column(name="c", type="numeric", precision=10, scale=2)
    assert column.array_of([Decimal("1.50"), None]).type == pa.decimal128(10, 2)


def test_an_undeclared_numeric_is_as_wide_as_its_values() -> None:
    """Exact, so that sums are."""
    values = [Decimal("12.5"), Decimal("-0.125"), None]
    array = Column(name="c", type="numeric").array_of(values)
    assert array.type == pa.decimal128(5, 3)
    assert array.to_pylist() == [Decimal("12.500"), Decimal("-0.125"), None]


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal(10) ** 40])
def test_a_number_that_no_decimal_holds_is_text(value: Decimal) -> None:
    """Never a wrong or a missing number."""
    array = Column(name="c", type="numeric").array_of([value])
    assert array.to_pylist() == [str(value)]


def test_rows_become_columns() -> None:
    """In the order of the table's columns."""
    moment = datetime(2026, 11, 23, 4, 45, tzinfo=UTC)
    columns = [Column(name="id", type="text"), Column(name="at", type="timestamptz")]
    table = table_of(columns, [("1", moment), ("2", None)])
    assert table.to_pylist() == [{"id": "1", "at": moment}, {"id": "2", "at": None}]
