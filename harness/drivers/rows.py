"""PostgreSQL rows as an Arrow table: which type becomes which, and how it is selected.

Types without an Arrow counterpart that DuckDB reads back the same (uuid, json, arrays, ranges, …)
are selected as text. Infinite timestamps and dates, which Arrow has no value for, become null.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, LiteralString

import pyarrow as pa

_PLAIN: dict[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "text": pa.string(),
    "varchar": pa.string(),
    "bytea": pa.binary(),
}

_TEMPORAL: dict[str, pa.DataType] = {
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
}

_MOST_DIGITS = 38
"""What a 128-bit decimal holds; wider numbers become text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table. `precision` and `scale` are those of numeric(p, s), else None."""

    name: str
    type: str
    """As pg_type names it: `int4`, `timestamptz`."""
    precision: int | None = None
    scale: int | None = None

    @property
    def expression(self) -> LiteralString:
        """What to select, with `{}` for the column's identifier."""
        if self.type in _PLAIN or self.type == "numeric":
            return "{}"
        if self.type in _TEMPORAL:
            return "CASE WHEN isfinite({0}) THEN {0} END"
        return "{}::text"

    def array_of(self, values: Sequence[Any]) -> pa.Array:
        """The column's values as Arrow."""
        if self.type == "numeric":
            return self._numeric(values)
        kind = _PLAIN.get(self.type) or _TEMPORAL.get(self.type) or pa.string()
        return pa.array(values, type=kind)

    def _numeric(self, values: Sequence[Decimal | None]) -> pa.Array:
        """Exact always: the declared decimal type, else the narrowest that holds every value,
        else (NaN, infinity, over 38 digits) text."""
        present = [value for value in values if value is not None]
        if not all(value.is_finite() for value in present):
            return _as_text(values)
        scale = max(self.scale or 0, max(map(_scale, present), default=0))
        whole = max(map(_whole_digits, present), default=1)
        precision = max(self.precision or 0, scale + whole)
        if precision > _MOST_DIGITS:
            return _as_text(values)
        return pa.array(values, type=pa.decimal128(precision, scale))


def table_of(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """The rows under their columns' names and types; right for no rows, too."""
    arrays = [column.array_of([row[place] for row in rows]) for place, column in enumerate(columns)]
    return pa.table(arrays, names=[column.name for column in columns])


def _as_text(values: Sequence[Decimal | None]) -> pa.Array:
    return pa.array([None if v is None else str(v) for v in values], type=pa.string())


def _scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _whole_digits(value: Decimal) -> int:
    return max(1, value.adjusted() + 1)
