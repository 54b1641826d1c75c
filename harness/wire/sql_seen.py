"""Statements recognised once: texts that differ in nothing but numbers and strings are one.

A client without parameters sends another text each time, and to take one apart costs more than
all else that is done to its message. Promises: what is told of a text is what `sql.recognise`
tells of it; memory is bounded.
"""

import re
from typing import NamedTuple

from harness.wire.fields import decoded
from harness.wire.sql import UNKNOWN, Kind, Recognised, recognise
from harness.wire.sql_words import split, words

_LONGEST = 4096
"""Longer texts are taken apart each time."""
_MOST_KEPT = 2048

_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_HARD = re.compile(rb"\\|--|/\*")
"""Where quotes may not be what they seem, and where a comment may stand before a statement."""
_STRING = re.compile(rb"""("[^"]*")|'[^']*'""")
"""A quoted name, which stays, or a string."""
_NUMBER = re.compile(rb"00+")
_VARIABLE = re.compile(r"[0-9']")

_NEW = tuple.__new__  # of a Recognised with all its fields: thrice as quick as its own


class Seen(NamedTuple):
    """One statement, as one text had it, and where it stands in every text of that form."""

    statement: Recognised
    before: int
    """Bytes before it, and `after`, behind it: blanks and semicolons."""
    after: int
    is_same: bool
    """The form has neither numbers nor strings: the statement's own text is always the same."""

    def of(self, text: bytes) -> Recognised:
        """The statement with its words from this text."""
        statement, before, after, is_same = self
        if is_same:
            return statement
        sql = text[before : len(text) - after].decode("ascii")
        return _NEW(Recognised, (sql, *statement[1:]))


_by_text: dict[bytes, Seen | None] = {}
"""Texts without strings, with 0 for each digit. None: to be taken apart each time."""
_by_form: dict[bytes, Seen | None] = {}
"""Texts with empty strings, and with 0 for each row of digits."""

_NEVER = Seen(UNKNOWN, 0, 0, is_same=False)


def seen(text: bytes) -> Seen | None:
    """The one statement of a query's text; None where `recognise` has to say what there is."""
    if len(text) > _LONGEST:
        return None
    key = text.translate(_AS_ZEROS)
    found = _by_text.get(key, _NEVER)
    return found if found is not _NEVER else _learn(text, key)


def statements(text: bytes) -> tuple[Recognised, ...]:
    """Every statement of a query's text, in order."""
    found = seen(text)
    return (found.of(text),) if found is not None else recognise(decoded(text))


def only_statement(text: bytes) -> Recognised:
    """The statement of a Parse message: there is at most one."""
    found = statements(text)
    return found[0] if found else Recognised(decoded(text), Kind.EMPTY, is_plain=True)


def _learn(text: bytes, key: bytes) -> Seen | None:
    has_strings, is_hard = b"'" in text, _HARD.search(text)
    if (has_strings and is_hard) or not text.isascii():
        return None
    form = key if is_hard else _NUMBER.sub(b"0", _STRING.sub(_emptied, key))
    found = _by_form.get(form, _NEVER)
    if found is _NEVER:
        found = _by_form[form] = _read(text)
        _bound(_by_form)
    if not has_strings:
        _by_text[key] = found
        _bound(_by_text)
    return found


def _emptied(found: re.Match[bytes]) -> bytes:
    return found[1] or b"''"


def _bound(known: dict[bytes, Seen | None]) -> None:
    """Of too many all are forgotten: those that count come back at once."""
    if len(known) > _MOST_KEPT:
        known.clear()


def _read(text: bytes) -> Seen | None:
    """None if the statement is not alone, or if more of it than its own text may differ."""
    whole = decoded(text)
    at = list(words(whole))
    alone = list(split(at))
    if len(alone) != 1:
        return None
    (statement,) = recognise(whole)
    has_dollars = any(len(word.text) > 1 and word.text[0] == "$" for word in at)
    if has_dollars or not _is_of_its_form(statement):
        return None
    return Seen(
        statement,
        before=alone[0][0].start,
        after=len(whole) - alone[0][-1].end,
        is_same=_VARIABLE.search(whole) is None,
    )


def _is_of_its_form(statement: Recognised) -> bool:
    """Whether nothing that was read of it stands in a number, a string or a name with digits."""
    return (
        statement.name is None
        and statement.inner is None
        and not statement.options
        and not any(_VARIABLE.search(write.table) for write in statement.writes)
    )
