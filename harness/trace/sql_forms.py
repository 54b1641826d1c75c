"""Statements whose texts differ in nothing but their literals are read once.

A client without parameters sends another text each time. Promises: a text's template and values
say what `sql_values.template` says of the text itself; what may not is left to that.
"""

import re

from harness.trace.bounded import trim
from harness.trace.sql_single import Single, single
from harness.trace.sql_values import Row, Template, Value, template

_LONGEST = 4096
_MOST_FORMS = 1024
_MOST_SHAPES = 4096
_UNIQUE_ID_LENGTH = 38
"""With its quotes. Whether a literal is one decides what of a text is worth to be read."""
_HARD = ('"', "\\", "$", "--", "/*")
"""Where a quote or a digit may not be what it seems."""
_LITERAL = re.compile(r"('[^']*(?:''[^']*)*'|(?<!\w)\d[\w.]*)")
_DIGIT = re.compile(r"\d")
_PREFIXED = re.compile(r"[\w&]\Z")
"""Before a quote: another kind of literal."""
_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_MARK = "7777700"
"""Literal n stands as this with n behind it in the text that is read for all of its form."""

Form = tuple[str, tuple[bool, ...]]
"""What is between the literals, and which of them are strings."""
Spans = tuple[tuple[int, int], ...]
"""Where the literals stand."""

Known = tuple[Template, Single | None]


class Forms:
    """Texts without parameters, of all connections."""

    __slots__ = ("_forms", "_key_columns", "_shapes")

    def __init__(self, key_columns: frozenset[str]) -> None:
        self._key_columns = key_columns
        self._forms: dict[Form, Known | None] = {}
        self._shapes: dict[bytes, tuple[Known | None, Spans]] = {}
        """Texts without strings and without digits in names, with 0 for each digit."""

    def read(self, sql: str) -> tuple[Known, list[str]] | None:
        """What is known of its form, and its literals, which stand for parameters."""
        if len(sql) > _LONGEST or not sql.isascii():
            return None
        shape = sql.encode().translate(_AS_ZEROS)
        known = self._shapes.get(shape)
        if known is not None:
            found, spans = known
            return None if found is None else (found, [sql[start:end] for start, end in spans])
        for hard in _HARD:
            if hard in sql:
                return None
        parts = _LITERAL.split(sql)
        between, literals = parts[::2], parts[1::2]
        found = self._of_form(between, literals)
        if "'" not in sql and not any(map(_DIGIT.search, between)):
            self._shapes[shape] = found, tuple([m.span() for m in _LITERAL.finditer(sql)])
            trim(self._shapes, _MOST_SHAPES)
        return None if found is None else (found, [_said(literal) for literal in literals])

    def _of_form(self, between: list[str], literals: list[str]) -> Known | None:
        if any(len(literal) == _UNIQUE_ID_LENGTH and literal[0] == "'" for literal in literals):
            return None
        text = "\0".join(between)
        form = text, tuple([literal[0] == "'" for literal in literals])
        try:
            return self._forms[form]
        except KeyError:
            found = self._forms[form] = _of_form(between, literals, self._key_columns)
            trim(self._forms, _MOST_FORMS)
            return found


def _said(literal: str) -> str:
    return literal[1:-1].replace("''", "'") if literal[0] == "'" else literal


def _of_form(between: list[str], literals: list[str], key_columns: frozenset[str]) -> Known | None:
    """What is known of every text of this form; None where it depends on the literals."""
    text = between[0]
    for i, literal in enumerate(literals):
        is_string = literal[0] == "'"
        if is_string and _PREFIXED.search(text):
            return None
        text += (f"'{_MARK}{i}'" if is_string else f"{_MARK}{i}") + between[i + 1]
    if text.count("'") != 2 * sum(literal[0] == "'" for literal in literals):
        return None  # a string that does not end
    found = template(text, key_columns)
    try:
        of_form = Template(
            rows=tuple(map(_with_places, found.rows)),
            spread=tuple(map(_with_places, found.spread)),
            conditions=_with_places(found.conditions),
        )
    except ValueError:
        return None
    return of_form, single(of_form)


def _with_places(row: Row) -> Row:
    """Marks as the parameters that they stand for. Raises ValueError: something else is there."""
    return Row(tuple(map(_with_place, row.keys)), tuple(map(_with_place, row.others)))


def _with_place(value: Value) -> Value:
    if not value.text.startswith(_MARK):
        raise ValueError
    return Value(int(value.text.removeprefix(_MARK)), is_array=value.is_array)
