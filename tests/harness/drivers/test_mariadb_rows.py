"""MariaDB rows as Arrow: types, and what Arrow has no value for."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from harness.drivers.mariadb_rows import Column, table_of


@pytest.mark.parametrize(
    "column, kind, expression",
    [
        (Column(name="c", type="tinyint"), pa.int8(), "{}"),
        (Column(name="c", type="bigint", unsigned=True), pa.uint64(), "{}"),
        (Column(name="c", type="decimal", precision=10, scale=2), pa.decimal128(10, 2), "{}"),
        (Column(name="c", type="decimal", precision=65, scale=2), pa.string(), "CAST({} AS CHAR)"),
        (Column(name="c", type="varchar"), pa.string(), "{}"),
        (Column(name="c", type="uuid"), pa.string(), "CAST({} AS CHAR)"),
        (Column(name="c", type="time"), pa.string(), "CAST({} AS CHAR)"),
        (Column(name="c", type="timestamp"), pa.timestamp("us", tz="UTC"), "{}"),
        (Column(name="c", type="datetime"), pa.timestamp("us"), "{}"),
        (Column(name="c", type="longblob"), pa.binary(), "{}"),
    ],
)
def test_each_type_becomes_what_duckdb_reads_back(
    column: Column, kind: pa.DataType, expression: str
) -> None:
    """What has no counterpart is text."""
    assert column.kind == kind
    assert column.expression == expression


def test_rows_stand_under_their_columns() -> None:
    """Null stays null."""
    columns = [
        Column(name="id", type="int"),
        Column(name="price", type="decimal", precision=10, scale=2),
    ]
    table = table_of(columns, [(1, Decimal("1.50")), (2, None)])
    assert table.to_pylist() == [
        {"id": 1, "price": Decimal("1.50")},
        {"id": 2, "price": None},
    ]
    assert table_of(columns, []).schema == table.schema


def test_a_zero_date_is_null() -> None:
    """The client gives it as text."""
    moment = dt.datetime(2026, 11, 28, 12, 0, tzinfo=None)  # noqa: DTZ001 - as the client has it
    columns = [Column(name="at", type="datetime"), Column(name="day", type="date")]
    table = table_of(columns, [(moment, moment.date()), ("0000-00-00 00:00:00", "0000-00-00")])
    assert table.to_pylist() == [
        {"at": moment, "day": moment.date()},
        {"at": None, "day": None},
    ]
