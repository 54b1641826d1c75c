"""Where the values of columns stand in a statement: as parameters or as literals.

Read from the words alone, once for each text; what repeats a prepared statement is a look-up.
Found are rows of INSERT (VALUES, SELECT of values, unnest) and columns that are said to equal a
value, in WHERE, ON and SET alike. What is computed is not known here.
"""

from collections.abc import Sequence
from typing import NamedTuple

from harness.trace import values
from harness.trace.aliases import is_unique_id
from harness.wire.sql_words import Word, literal, words

Params = Sequence[str | bytes | None]

_MOST_ROWS = 1024


class Value(NamedTuple):
    """A parameter, or what stands in the text."""

    param: int
    """Counted from 0; -1: a literal."""
    text: str = ""
    is_array: bool = False
    """Each of its elements is a value."""


class Row(NamedTuple):
    """A row that is inserted, or what is said of columns elsewhere."""

    keys: tuple[Value, ...]
    """Of key columns."""
    others: tuple[Value, ...]
    """Of the others, what may be a unique id."""

    @property
    def has_arrays(self) -> bool:
        return any(value.is_array for value in (*self.keys, *self.others))


class Read(NamedTuple):
    """Values of a row: of the key columns, and unique ids in the others."""

    keys: tuple[str, ...]
    ids: tuple[str, ...]


class Template(NamedTuple):
    """What a statement's text says of values."""

    rows: tuple[Row, ...]
    """Of which none has arrays."""
    spread: tuple[Row, ...]
    """Arrays side by side, of which as many rows are made as they have elements."""
    conditions: Row
    """What columns are said to equal, outside of rows."""

    def read(self, params: Params) -> tuple[list[Read], Read]:
        """Each row that is inserted, and what columns are said to equal."""
        rows = [Read(_keys(row.keys, params), _ids(row.others, params)) for row in self.rows]
        for row in self.spread:
            rows += _spread(row, params)
        keys, others = self.conditions
        return rows, Read(_keys(keys, params), _ids(others, params))


def _keys(found: tuple[Value, ...], params: Params) -> tuple[str, ...]:
    """What they are with these parameters, without NULLs and what was not kept."""
    if not found:
        return ()
    texts: list[str | None] = []
    for param, text, is_array in found:
        if param < 0:
            given: str | bytes | None = text
        elif param < len(params):
            given = params[param]
        else:
            continue
        if is_array:
            texts += values.of_array(given)
        else:
            texts.append(values.of_param(given))
    return tuple([text for text in texts if text])


def _ids(found: tuple[Value, ...], params: Params) -> tuple[str, ...]:
    """As `_keys`, of those that are unique ids; most are told from their length."""
    if not found:
        return ()
    maybe = [
        value
        for value in found
        if value.is_array
        or value.param < 0
        or (value.param < len(params) and _may_be_id(params[value.param]))
    ]
    return tuple([text for text in _keys(tuple(maybe), params) if is_unique_id(text)])


def _may_be_id(param: str | bytes | None) -> bool:
    return param is not None and len(param) in _ID_LENGTHS


_ID_LENGTHS = frozenset({16, 36})
"""In binary and in text."""


def _spread(row: Row, params: Params) -> list[Read]:
    keys, others = _columns(row.keys, params), _columns(row.others, params)
    count = min(max(map(len, keys + others), default=0), _MOST_ROWS)
    return [
        Read(
            _across(keys, i),
            tuple([text for text in _across(others, i) if is_unique_id(text)]),
        )
        for i in range(count)
    ]


def _columns(found: tuple[Value, ...], params: Params) -> list[list[str | None]]:
    return [
        values.of_array(params[value.param] if 0 <= value.param < len(params) else value.text)
        for value in found
    ]


def _across(columns: list[list[str | None]], i: int) -> tuple[str, ...]:
    found = [column[i] for column in columns if i < len(column)]
    return tuple([text for text in found if text])


def template(text: str, key_columns: frozenset[str]) -> Template:
    """Read a statement's text, in time linear in its length."""
    tokens = list(words(text))
    rows: list[Row] = []
    keys: list[Value] = []
    others: list[Value] = []
    inserted = 0
    for i, word in enumerate(tokens):
        if word.lower == "insert" and i >= inserted and _lower(tokens, i + 1) == "into":
            found_rows, inserted = _inserted(tokens, i + 2, key_columns)
            rows += found_rows
        elif word.is_name:
            found = keys if literal(word) in key_columns else others
            found += _equalled(tokens, i + 1)
    return Template(
        rows=tuple([row for row in rows if not row.has_arrays]),
        spread=tuple([row for row in rows if row.has_arrays]),
        conditions=Row(tuple(keys), tuple(filter(_is_worth, others))),
    )


def _is_worth(value: Value) -> bool:
    """Whether the value of a column that is no key column may be a unique id."""
    return value.param >= 0 or value.is_array or is_unique_id(value.text)


def _text_at(tokens: Sequence[Word], at: int) -> str:
    return tokens[at].text if at < len(tokens) else ""


def _lower(tokens: Sequence[Word], at: int) -> str:
    return tokens[at].lower if at < len(tokens) else ""


def _inserted(
    tokens: Sequence[Word], at: int, key_columns: frozenset[str]
) -> tuple[list[Row], int]:
    """The rows of an INSERT whose table's name begins here, and where they end."""
    while at < len(tokens) and (tokens[at].is_name or tokens[at].text == "."):
        if tokens[at].lower in _SOURCES:
            break
        at += 1
    columns: list[str] = []
    if _text_at(tokens, at) == "(":
        parts, at = _list(tokens, at)
        columns = [literal(part[-1]) if part else "" for part in parts]
    while _lower(tokens, at) in {"overriding", "system", "user", "value"}:
        at += 1
    source = _SOURCES.get(_lower(tokens, at))
    if source is None:
        return [], at
    found, at = source(tokens, at + 1)
    return [_row(columns, row, key_columns) for row in found], at


def _row(columns: list[str], row: Sequence[Value | None], key_columns: frozenset[str]) -> Row:
    keys: list[Value] = []
    others: list[Value] = []
    for i, value in enumerate(row):
        if value is not None:
            is_key = i < len(columns) and columns[i] in key_columns
            (keys if is_key else others).append(value)
    return Row(tuple(keys), tuple(filter(_is_worth, others)))


Inserted = tuple[list[Sequence[Value | None]], int]


def _listed(tokens: Sequence[Word], at: int) -> Inserted:
    """The rows after VALUES."""
    rows: list[Sequence[Value | None]] = []
    while _text_at(tokens, at) == "(" and len(rows) < _MOST_ROWS:
        parts, at = _list(tokens, at)
        rows.append([_only(part) for part in parts])
        if _text_at(tokens, at) != ",":
            break
        at += 1
    return rows, at


def _selected(tokens: Sequence[Word], at: int) -> Inserted:
    """The row after SELECT, or the arrays of SELECT * FROM unnest(…)."""
    parts, at = _parts(tokens, at)
    if len(parts) != 1 or [word.text for word in parts[0]] != ["*"]:
        return [[_only(part) for part in parts]], at
    if _lower(tokens, at) != "from" or _lower(tokens, at + 1) != "unnest":
        return [], at
    arrays, at = _list(tokens, at + 2)
    found = [_only(part) for part in arrays]
    return [[value and value._replace(is_array=True) for value in found]], at


_SOURCES = {"values": _listed, "select": _selected}


def _list(tokens: Sequence[Word], at: int) -> tuple[list[list[Word]], int]:
    """The parts of a list in parentheses that begins here, and the place after it."""
    parts, at = _parts(tokens, at + 1)
    return parts, at + 1


def _parts(tokens: Sequence[Word], at: int) -> tuple[list[list[Word]], int]:
    """What commas keep apart, up to a parenthesis that closes or a word that ends a SELECT list;
    and where that stands."""
    parts: list[list[Word]] = [[]]
    depth = 0
    while at < len(tokens):
        word = tokens[at]
        if depth == 0 and (word.text in {")", "]", ";"} or word.lower in _ENDS_LIST):
            break
        depth += (word.text in {"(", "["}) - (word.text in {")", "]"})
        if word.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(word)
        at += 1
    return parts, at


_ENDS_LIST = {"from", "where", "on", "returning", "union", "limit", "order"}


def _only(part: Sequence[Word]) -> Value | None:
    """The value, if the part is nothing else."""
    while len(part) > 1 and part[0].text == "(" and part[-1].text == ")":
        part = part[1:-1]
    value, at = _value(part, 0)
    return value if at == len(part) else None


def _equalled(tokens: Sequence[Word], at: int) -> list[Value]:
    """What the name before this place is said to equal: one value, or any of several."""
    if _lower(tokens, at) == "in" and _text_at(tokens, at + 1) == "(":
        return _several(tokens, at + 2)
    if _text_at(tokens, at) != "=":
        return []
    if _lower(tokens, at + 1) in {"any", "some"} and _text_at(tokens, at + 2) == "(":
        return _any(tokens, at + 3)
    at = _opened(tokens, at + 1)
    value, after = _value(tokens, at)
    return [] if value is None or _text_at(tokens, after) in _OPERATORS else [value]


_OPERATORS = frozenset("+-*/|%^&#~<>@")
"""A value before one of these is only a part of what is compared."""


def _opened(tokens: Sequence[Word], at: int) -> int:
    """The place after opening parentheses."""
    while _text_at(tokens, at) == "(":
        at += 1
    return at


def _several(tokens: Sequence[Word], at: int) -> list[Value]:
    """Values with commas between them, as many as there are."""
    found: list[Value] = []
    while True:
        value, at = _value(tokens, at)
        if value is None:
            return found
        found.append(value)
        if _text_at(tokens, at) != ",":
            return found
        at += 1


def _any(tokens: Sequence[Word], at: int) -> list[Value]:
    """What ANY's parentheses have in them: an array as one value, or ARRAY[…]."""
    at = _opened(tokens, at)
    if _lower(tokens, at) == "array" and _text_at(tokens, at + 1) == "[":
        return _several(tokens, at + 2)
    value, _ = _value(tokens, at)
    return [] if value is None else [value._replace(is_array=True)]


def _value(tokens: Sequence[Word], at: int) -> tuple[Value | None, int]:
    """The value that begins here, and the place after it and its casts."""
    if _lower(tokens, at) != "cast" or _text_at(tokens, at + 1) != "(":
        value, after = _plain(tokens, at)
        return value, after if value is None else _cast(tokens, after)
    value, after = _plain(tokens, at + 2)
    while _text_at(tokens, after) not in {")", ""} and after < at + _LONGEST_CAST:
        after += 1
    return value, _cast(tokens, after + 1)


def _plain(tokens: Sequence[Word], at: int) -> tuple[Value | None, int]:
    """The parameter or literal that begins here, and the place after it."""
    text, following = _text_at(tokens, at), _text_at(tokens, at + 1)
    if text == "$" and following.isascii() and following.isdigit() and len(following) < 6:
        return Value(int(following) - 1), at + 2
    if text == "-" and following[:1].isdigit():
        return Value(-1, f"-{following}"), at + 2
    if _is_text(following) and _lower(tokens, at):
        return Value(-1, _text(following)), at + 2  # uuid '…'
    if _is_text(text):
        return Value(-1, _text(text)), at + 1
    return (Value(-1, text), at + 1) if text[:1].isdigit() else (None, at)


_LONGEST_CAST = 16
"""Words of CAST(value AS type)."""


def _cast(tokens: Sequence[Word], at: int) -> int:
    """The place after `::uuid`, `::text[]`, `::numeric(10,2)`, as many as there are."""
    while _text_at(tokens, at) == ":" and _text_at(tokens, at + 1) == ":":
        at += 3
        while _text_at(tokens, at) == ".":
            at += 2
        if _text_at(tokens, at) == "(" and _text_at(tokens, at + 1).isdigit():
            at = _after_modifier(tokens, at)
        while _text_at(tokens, at) == "[":
            at += 2 if _text_at(tokens, at + 1) == "]" else 3
    return at


def _after_modifier(tokens: Sequence[Word], at: int) -> int:
    """The place after `(10)` or `(10,2)`."""
    while _text_at(tokens, at) in {"(", ","} and _text_at(tokens, at + 1).isdigit():
        at += 2
    return at + 1


def _is_text(text: str) -> bool:
    return text.startswith("'") or text[:2].lower() in {"e'", "n'"}


def _text(text: str) -> str:
    """What a literal says."""
    escaped = text[:1] in {"e", "E"}
    quoted = text[text.index("'") + 1 :]
    inner = quoted.removesuffix("'").replace("''", "'")
    return _unescaped(inner) if escaped else inner


def _unescaped(text: str) -> str:
    """Of an escape string; psycopg2 writes one where a backslash is in the text."""
    characters = iter(text)
    return "".join(next(characters, "") if c == "\\" else c for c in characters)
