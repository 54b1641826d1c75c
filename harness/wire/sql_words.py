"""SQL as words: comments gone, literals and quoted names whole. Linear in the text's length."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Word(NamedTuple):
    """One word, literal or sign, and where it stands in the text.

    A tuple: many are made for every statement, and a frozen dataclass takes thrice as long.
    """

    text: str
    lower: str
    """Of a bare word its lower case, else empty: a quoted name is never a keyword."""
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        return self.text[:1] == '"' or self.lower != ""


_WORD = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<escaped>[eE]'[^'\\]*(?:(?:\\.|'')[^'\\]*)*(?:'|\\?\Z))
    | (?P<literal>(?:[uU]&|[bBxXnN])?'[^']*(?:''[^']*)*(?:'|\Z))
    | (?P<quoted>"[^"]*(?:""[^"]*)*(?:"|\Z))
    | (?P<dollar>\$(?:[A-Za-z_\u0080-\U0010ffff][\w]*)?\$)
    | (?P<number>\d[\w.]*)
    | (?P<bare>[^\W\d][\w$]*)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_MOST_WORDS = 8192


def words(text: str) -> Iterator[Word]:
    """Every word; what never ends ends with the text. The 8192 first if there are more."""
    at, count = 0, 0
    while at < len(text) and count < _MOST_WORDS:
        found = _WORD.match(text, at)
        if found is None:
            return
        start, at, group = at, found.end(), found.lastgroup
        if group == "space":
            continue
        if group == "comment":
            at = _after_comment(text, at)
            continue
        if group == "dollar":
            at = _after_dollar(text, at, found.group())
        word = text[start:at]
        count += 1
        yield Word(word, word.lower() if group == "bare" else "", start, at)


def _after_comment(text: str, at: int) -> int:
    """After the end of a comment that began before `at`; comments nest."""
    depth = 1
    while depth:
        mark = _COMMENT_MARK.search(text, at)
        if mark is None:
            return len(text)
        depth += 1 if mark.group() == "/*" else -1
        at = mark.end()
    return at


def _after_dollar(text: str, at: int, tag: str) -> int:
    end = text.find(tag, at)
    return len(text) if end < 0 else end + len(tag)


def split(tokens: Iterable[Word]) -> Iterator[list[Word]]:
    """Statements: the words between semicolons, none empty; BEGIN ATOMIC … END is in one."""
    statement: list[Word] = []
    depth = 0
    for word in tokens:
        if word.lower in _NESTING:
            depth = _nested(depth, word, statement)
        if word.text != ";" or depth:
            statement.append(word)
        elif statement:
            yield statement
            statement = []
    if statement:
        yield statement


_NESTING = {"atomic", "case", "end"}


def _nested(depth: int, word: Word, before: list[Word]) -> int:
    """How deep in the body of an SQL-standard function the next word is."""
    if word.lower == "atomic":
        return 1 if before and before[-1].lower == "begin" else depth
    if not depth:
        return 0
    return depth + 1 if word.lower == "case" else depth - 1


def literal(word: Word) -> str:
    """What a word names: bare words in lower case, quotes taken off."""
    if word.lower:
        return word.lower
    text, quote = word.text, word.text[:1]
    if quote in {"'", '"'}:
        inner = text[1:-1] if len(text) > 1 and text.endswith(quote) else text[1:]
        return inner.replace(quote * 2, quote)
    return text
