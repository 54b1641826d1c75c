"""MariaDB rows as an Arrow table: which type becomes which, and how it is selected.

Types without an Arrow counterpart that DuckDB reads back the same (uuid, enum, time, inet6, …) are
selected as text. Zero dates, which Arrow has no value for, become null.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

_SIGNED: dict[str, pa.DataType] = {
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "mediumint": pa.int32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
}

_UNSIGNED: dict[str, pa.DataType] = {
    "tinyint": pa.uint8(),
    "smallint": pa.uint16(),
    "mediumint": pa.uint32(),
    "int": pa.uint32(),
    "bigint": pa.uint64(),
}

_PLAIN: dict[str, pa.DataType] = {
    "float": pa.float32(),
    "double": pa.float64(),
    "year": pa.int16(),
    "char": pa.string(),
    "varchar": pa.string(),
    "tinytext": pa.string(),
    "text": pa.string(),
    "mediumtext": pa.string(),
    "longtext": pa.string(),
    "binary": pa.binary(),
    "varbinary": pa.binary(),
    "tinyblob": pa.binary(),
    "blob": pa.binary(),
    "mediumblob": pa.binary(),
    "longblob": pa.binary(),
    "bit": pa.binary(),
}

_TEMPORAL: dict[str, pa.DataType] = {
    # A timestamp is a moment, shown in the session's time zone, which is UTC here.
    "timestamp": pa.timestamp("us", tz="UTC"),
    "datetime": pa.timestamp("us"),
    "date": pa.date32(),
}

_MOST_DIGITS = 38
"""What a 128-bit decimal holds; wider numbers become text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table. `precision` and `scale` are those of information_schema."""

    name: str
    type: str
    """As information_schema names it: `int`, `timestamp`."""
    unsigned: bool = False
    precision: int | None = None
    scale: int | None = None

    @property
    def kind(self) -> pa.DataType:
        """What it becomes."""
        if self.type == "decimal" and (self.precision or 0) <= _MOST_DIGITS:
            return pa.decimal128(self.precision or 10, self.scale or 0)
        whole = _UNSIGNED if self.unsigned else _SIGNED
        return (
            whole.get(self.type) or _PLAIN.get(self.type) or _TEMPORAL.get(self.type) or pa.string()
        )

    @property
    def expression(self) -> str:
        """What to select, with `{}` for the column's identifier."""
        as_it_is = self.type in _PLAIN or self.kind != pa.string()
        return "{}" if as_it_is else "CAST({} AS CHAR)"

    def array_of(self, values: Sequence[Any]) -> pa.Array:
        """The column's values as Arrow."""
        if self.type in _TEMPORAL:
            # The client gives a zero date as the text that it is.
            values = [v if isinstance(v, dt.date) else None for v in values]
        return pa.array(values, type=self.kind)


def table_of(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """The rows under their columns' names and types; right for no rows, too."""
    arrays = [column.array_of([row[place] for row in rows]) for place, column in enumerate(columns)]
    return pa.table(arrays, names=[column.name for column in columns])
