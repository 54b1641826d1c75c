"""What a statement is and which tables it says it writes, recognised from its words alone.

No grammar: comments, literals and quoted names are told apart, and a word that writes counts
where a statement can begin, also inside WITH. What functions, triggers, rules and foreign keys
write is not in the text, and nothing here knows it.
"""

from collections.abc import Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from harness.wire.sql_words import Word, literal, split, words


class Operation(Enum):
    """What is done to a table."""

    __hash__ = object.__hash__  # each is one object; Enum's own hash is a call of Python's

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    MERGE = "merge"
    TRUNCATE = "truncate"


class Write(NamedTuple):
    """One table and what is done to it; `public.` is left out of the name.

    A tuple, as its hash is taken for every statement that passes.
    """

    table: str
    operation: Operation


class Kind(Enum):
    """What a statement is, as far as transactions and writes are concerned."""

    __hash__ = object.__hash__  # as above

    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVEPOINT = "savepoint"
    RELEASE = "release"
    ROLLBACK_TO = "rollback to"
    PREPARE_TRANSACTION = "prepare transaction"
    COMMIT_PREPARED = "commit prepared"
    ROLLBACK_PREPARED = "rollback prepared"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    MERGE = "merge"
    TRUNCATE = "truncate"
    COPY_IN = "copy in"
    COPY_OUT = "copy out"
    READ = "read"
    DEFINE = "define"
    CALL = "call"
    PREPARE = "prepare"
    EXECUTE = "execute"
    REPLICATE = "replicate"
    OTHER = "other"
    EMPTY = "empty"
    UNKNOWN = "unknown"
    """Its text was not seen."""


MAY_WRITE = frozenset(
    {
        Kind.INSERT,
        Kind.UPDATE,
        Kind.DELETE,
        Kind.MERGE,
        Kind.TRUNCATE,
        Kind.COPY_IN,
        Kind.DEFINE,
        Kind.CALL,
        Kind.EXECUTE,
        Kind.UNKNOWN,
    }
)
"""Statements that may change something without a word of it in their text."""

CHANGES_NOTHING = frozenset({Kind.READ, Kind.COPY_OUT, Kind.OTHER, Kind.EMPTY})
"""Statements that change nothing, unless a word of their text writes."""


class Recognised(NamedTuple):
    """One statement: its text (as far as kept), what it is, what it says it writes."""

    sql: str
    kind: Kind
    writes: tuple[Write, ...] = ()
    name: str | None = None
    """Of a savepoint, of a prepared transaction, of an SQL-level prepared statement, of a slot."""
    is_chained: bool = False
    """COMMIT or ROLLBACK … AND CHAIN: the next transaction is open at once."""
    from_client: bool = False
    """COPY … FROM STDIN: rows follow, and the statement ends with them."""
    inner: "Recognised | None" = None
    """What PREPARE prepares."""
    options: str = ""
    """Of START_REPLICATION: all that follows the slot's name."""
    is_plain: bool = False
    """It changes nothing: neither a table nor the transaction nor what a name means."""
    types: tuple[int, ...] = ()
    """OIDs of its parameters' types, as far as a Parse message said them; 0 where it left it to
    the server."""

    @property
    def may_write(self) -> bool:
        """Whether, outside a transaction block, its end may be a commit that changes something."""
        return bool(self.writes) or self.kind in MAY_WRITE


UNKNOWN = Recognised(sql="", kind=Kind.UNKNOWN)

_MOST_STATEMENTS = 256
_CACHED_TEXT = 2048


def recognise(text: str) -> tuple[Recognised, ...]:
    """Every statement of a query string, in order; the 256 first if there are more."""
    return _cached(text) if len(text) <= _CACHED_TEXT else _recognise(text)


def recognise_one(text: str) -> Recognised:
    """The statement of a Parse message: there is at most one."""
    found = recognise(text)
    return found[0] if found else Recognised(sql=text, kind=Kind.EMPTY, is_plain=True)


def _recognise(text: str) -> tuple[Recognised, ...]:
    found: list[Recognised] = []
    for statement in split(words(text)):
        if len(found) == _MOST_STATEMENTS:
            break
        sql = text[statement[0].start : statement[-1].end]
        said = _statement(sql, statement)
        is_plain = said.kind in CHANGES_NOTHING and not said.writes
        found.append(said._replace(is_plain=True) if is_plain else said)
    return tuple(found)


_cached = lru_cache(maxsize=1024)(_recognise)


def _statement(sql: str, tokens: Sequence[Word]) -> Recognised:
    first = tokens[0].lower
    if first in _TRANSACTION:
        return _transaction(sql, first, tokens)
    if first == "copy":
        return _copy(sql, tokens)
    if first == "prepare":
        return _prepare(sql, tokens)
    if first in {"start_replication", "create_replication_slot"}:
        return _replicate(sql, tokens)
    if first == "truncate":
        return Recognised(sql=sql, kind=Kind.TRUNCATE, writes=tuple(_truncated(tokens)))
    is_shown = first == "explain" and all(w.lower != "analyze" for w in tokens)
    writes = () if is_shown else tuple(dict.fromkeys(_written(tokens)))
    name = _name_of(tokens, 1) if first == "execute" else None
    return Recognised(sql=sql, kind=_kind(first, tokens, writes), writes=writes, name=name)


_TRANSACTION = {
    "begin",
    "start",
    "commit",
    "end",
    "rollback",
    "abort",
    "savepoint",
    "release",
}

_KINDS = {
    "insert": Kind.INSERT,
    "update": Kind.UPDATE,
    "delete": Kind.DELETE,
    "merge": Kind.MERGE,
    "select": Kind.READ,
    "values": Kind.READ,
    "table": Kind.READ,
    "show": Kind.READ,
    "fetch": Kind.READ,
    "call": Kind.CALL,
    "do": Kind.CALL,
    "execute": Kind.EXECUTE,
    **dict.fromkeys(
        ("create", "alter", "drop", "grant", "revoke", "comment", "refresh", "import", "reindex"),
        Kind.DEFINE,
    ),
}
_DML = ("insert", "update", "delete", "merge", "select", "values")


def _kind(first: str, tokens: Sequence[Word], writes: Sequence[Write]) -> Kind:
    if first == "with":
        return _KINDS.get(_main_word(tokens), Kind.READ)
    if first == "explain" and writes:
        return _KINDS[writes[0].operation.value]
    if tokens[0].text == "(":
        return Kind.READ
    return _KINDS.get(first, Kind.OTHER)


def _main_word(tokens: Sequence[Word]) -> str:
    """The word after the last closing parenthesis of WITH's list."""
    depth = 0
    for word in tokens:
        depth += (word.text == "(") - (word.text == ")")
        if depth == 0 and word.lower in _DML:
            return word.lower
    return ""


def _transaction(sql: str, first: str, tokens: Sequence[Word]) -> Recognised:
    rest = [w.lower for w in tokens[1:]]
    chained = rest[-2:] == ["and", "chain"]
    if first in {"begin", "start"}:
        is_begin = first == "begin" or rest[:1] == ["transaction"]
        return Recognised(sql=sql, kind=Kind.BEGIN if is_begin else Kind.OTHER)
    if first in {"savepoint", "release"}:
        at = 2 if rest[:1] == ["savepoint"] and len(rest) > 1 else 1
        kind = Kind.SAVEPOINT if first == "savepoint" else Kind.RELEASE
        return Recognised(sql=sql, kind=kind, name=_name_of(tokens, at))
    is_commit = first in {"commit", "end"}
    if rest[:1] == ["prepared"]:
        kind = Kind.COMMIT_PREPARED if is_commit else Kind.ROLLBACK_PREPARED
        return Recognised(sql=sql, kind=kind, name=_name_of(tokens, 2))
    if not is_commit and "to" in rest:
        return Recognised(sql=sql, kind=Kind.ROLLBACK_TO, name=_name_of(tokens, len(tokens) - 1))
    kind = Kind.COMMIT if is_commit else Kind.ROLLBACK
    return Recognised(sql=sql, kind=kind, is_chained=chained)


def _name_of(tokens: Sequence[Word], at: int) -> str | None:
    return literal(tokens[at]) if at < len(tokens) else None


def _prepare(sql: str, tokens: Sequence[Word]) -> Recognised:
    if len(tokens) > 1 and tokens[1].lower == "transaction":
        return Recognised(sql=sql, kind=Kind.PREPARE_TRANSACTION, name=_name_of(tokens, 2))
    at = next((i for i, w in enumerate(tokens) if w.lower == "as"), len(tokens))
    inner = None
    if at + 1 < len(tokens):
        text = sql[tokens[at + 1].start - tokens[0].start :]
        inner = _statement(text, tokens[at + 1 :])
    return Recognised(sql=sql, kind=Kind.PREPARE, name=_name_of(tokens, 1), inner=inner)


def _copy(sql: str, tokens: Sequence[Word]) -> Recognised:
    depth = 0
    for i, word in enumerate(tokens):
        depth += (word.text == "(") - (word.text == ")")
        if depth == 0 and word.lower in {"from", "to"}:
            return _copy_into(sql, tokens, i) if word.lower == "from" else _copy_from(sql, tokens)
    return Recognised(sql=sql, kind=Kind.OTHER)


def _copy_into(sql: str, tokens: Sequence[Word], at: int) -> Recognised:
    table, _ = _table(tokens, 1)
    writes = (Write(table=table, operation=Operation.INSERT),) if table else ()
    stdin = at + 1 < len(tokens) and tokens[at + 1].lower == "stdin"
    return Recognised(sql=sql, kind=Kind.COPY_IN, writes=writes, from_client=stdin)


def _copy_from(sql: str, tokens: Sequence[Word]) -> Recognised:
    return Recognised(sql=sql, kind=Kind.COPY_OUT, writes=tuple(dict.fromkeys(_written(tokens))))


def _replicate(sql: str, tokens: Sequence[Word]) -> Recognised:
    at = 2 if len(tokens) > 1 and tokens[1].lower == "slot" else 1
    has_slot = at == 2 or tokens[0].lower == "create_replication_slot"
    name = _name_of(tokens, at) if has_slot else None
    options = sql[tokens[at].end - tokens[0].start :].lower() if at < len(tokens) else ""
    return Recognised(sql=sql, kind=Kind.REPLICATE, name=name, options=options)


_BEFORE_DML = {"", "(", ")", "as", "analyze", "verbose"}
"""What may stand before a word that begins a statement which writes."""


def _written(tokens: Sequence[Word]) -> Iterator[Write]:
    before = ""
    for i, word in enumerate(tokens):
        operation = _OPERATIONS.get(word.lower) if before in _BEFORE_DML else None
        if operation is not None:
            table = _target(tokens, i + 1, operation)
            if table:
                yield Write(table=table, operation=operation)
        before = word.lower or word.text


_OPERATIONS = {
    "insert": Operation.INSERT,
    "update": Operation.UPDATE,
    "delete": Operation.DELETE,
    "merge": Operation.MERGE,
}
_LINKS = {Operation.INSERT: "into", Operation.DELETE: "from", Operation.MERGE: "into"}


def _target(tokens: Sequence[Word], at: int, operation: Operation) -> str:
    link = _LINKS.get(operation)
    if link is not None:
        if at >= len(tokens) or tokens[at].lower != link:
            return ""
        at += 1
    return _table(tokens, at)[0]


def _table(tokens: Sequence[Word], at: int) -> tuple[str, int]:
    """A table's name at this place, "" if there is none, and the place after it."""
    if at < len(tokens) and tokens[at].lower == "only":
        at += 1
    parts: list[str] = []
    while at < len(tokens) and tokens[at].is_name:
        parts.append(literal(tokens[at]))
        at += 1
        if at >= len(tokens) or tokens[at].text != ".":
            break
        at += 1
    return table_name(*parts[-2:]), at


def table_name(*parts: str) -> str:
    """A table's name without the schema that everyone means: `public.orders` is `orders`."""
    return ".".join(parts[1:] if len(parts) > 1 and parts[0] == "public" else parts)


def _truncated(tokens: Sequence[Word]) -> Iterator[Write]:
    at = 2 if len(tokens) > 1 and tokens[1].lower == "table" else 1
    while at < len(tokens):
        table, after = _table(tokens, at)
        if not table:
            return
        yield Write(table=table, operation=Operation.TRUNCATE)
        if after < len(tokens) and tokens[after].text == "*":
            after += 1
        if after >= len(tokens) or tokens[after].text != ",":
            return
        at = after + 1
