"""The built-in guarantees: families of invariants that a suite gets by declaring its tables.

Each guarantee is a file of `families/`, an invariant like a suite's own, over tables `family.…`
that have the same columns whatever the system is like. Where these come from is rendered out of
the declarations, with the templates of `families/tables/`: one table a declaration, which names
it, so that a table or column that is not there is told as what it is, and one for all of a kind.
The files go into the run directory with the suite's own, and are all that judging needs.

Names in declarations are the user's: in SQL they are quoted, in a header they stand as Python
writes them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.checkers.query_file import read_text
from harness.errors import DeclarationError
from harness.model.effects import DeadLetters, Effects
from harness.model.guarantees import Acknowledged, Conserved, Guarantee, Replica, Retries, Table
from harness.model.outbox import Aggregate, Outbox
from harness.model.saga import Saga
from harness.model.topic import Topic

FOLDER = Path(__file__).parent / "families"
_PREFIX = "family."
_NEED = re.compile(r"^-- needs: (family\.[a-z]+)", re.MULTILINE)
_LONGEST = 300
"""Characters of a declaration that a message shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """All that a suite and one of its patterns declare."""

    outboxes: Sequence[Outbox] = ()
    guarantees: Sequence[Guarantee] = ()
    steady: bool = False
    """Whether there are probes of a steady state."""

    def of(self, kind: type[Any]) -> list[Any]:
        return [one for one in self.guarantees if isinstance(one, kind)]

    @property
    def tellers(self) -> list[Outbox | Aggregate]:
        """Where events come from that can be held against records."""
        return [*(o for o in self.outboxes if o.topics), *self.of(Aggregate)]

    @property
    def topics(self) -> list[Topic]:
        """Every topic, once. Raises DeclarationError for one that is declared in two ways."""
        sources: list[Outbox | Aggregate | Effects] = [*self.tellers, *self.of(Effects)]
        every = [topic for source in sources for topic in source.topics]
        every += [letters.topic for letters in self.of(DeadLetters)]
        found: dict[str, Topic] = {}
        for topic in every:
            if found.setdefault(topic.name, topic) != topic:
                raise DeclarationError(f"topic {topic.name} is declared twice, in two ways")
        return list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One guarantee: its file, what has to be declared for it, in words, and whether that is so."""

    file: str
    needs: str
    is_asked: Callable[[Declared], bool]

    @property
    def text(self) -> str:
        return read_text(FOLDER / self.file)


FAMILIES = (
    Family(
        file="no-event-lost.sql",
        needs="`Outbox` with `id` and `topics`, or `Aggregate`",
        is_asked=lambda d: bool(d.tellers),
    ),
    Family(
        file="no-phantom-event.sql",
        needs="`Outbox` with `id` and `topics`, or `Aggregate`",
        is_asked=lambda d: bool(d.tellers),
    ),
    Family(
        file="acknowledged-means-durable.sql",
        needs="`Acknowledged`",
        is_asked=lambda d: bool(d.of(Acknowledged)),
    ),
    Family(
        file="effect-exactly-once.sql",
        needs="`Effects` with `topics`",
        is_asked=lambda d: any(e.topics for e in d.of(Effects)),
    ),
    Family(
        file="effect-at-most-once.sql",
        needs="`Effects` without `topics`",
        is_asked=lambda d: any(not e.topics for e in d.of(Effects)),
    ),
    Family(
        file="dead-letters-accounted.sql",
        needs="`DeadLetters`, and `Effects` of its consumer with `topics` and `event`",
        is_asked=lambda d: bool(d.of(DeadLetters)),
    ),
    Family(
        file="payload-intact.sql",
        needs="`Outbox` with `topics` and `key` or `payload`",
        is_asked=lambda d: any(o.topics and (o.key or o.payload) for o in d.outboxes),
    ),
    Family(
        file="order-per-key.sql",
        needs="`version` of a `Topic`, of an `Outbox` or of `Effects`",
        is_asked=lambda d: any(
            one.version for one in (*d.topics, *d.outboxes, *d.of(Effects))
        ),
    ),
    Family(
        file="terminal-is-final.sql",
        needs="`Saga`",
        is_asked=lambda d: bool(d.of(Saga)),
    ),
    Family(
        file="saga-terminal.sql",
        needs="`Saga`",
        is_asked=lambda d: bool(d.of(Saga)),
    ),
    Family(
        file="saga-compensated-exactly-once.sql",
        needs="`Saga` with `steps`",
        is_asked=lambda d: any(s.steps for s in d.of(Saga)),
    ),
    Family(
        file="amount-conserved.sql",
        needs="`Conserved`",
        is_asked=lambda d: bool(d.of(Conserved)),
    ),
    Family(
        file="replica-equals-source.sql",
        needs="`Replica`",
        is_asked=lambda d: bool(d.of(Replica)),
    ),
    Family(
        file="outbox-drained.sql",
        needs="`Outbox` with `id` and `topics`",
        is_asked=lambda d: any(o.topics for o in d.outboxes),
    ),
    Family(
        file="retries-bounded.sql",
        needs="`Retries`, or `at_most` of a `Topic`",
        is_asked=lambda d: bool(d.of(Retries)) or any(t.at_most for t in d.topics),
    ),
    Family(
        file="steady-state-returns.sql",
        needs="`steady`, of the suite or of the pattern",
        is_asked=lambda d: d.steady,
    ),
    Family(
        file="liveness-after-heal.sql", needs="nothing: it is asked of everyone",
        is_asked=lambda _: True,
    ),
)  # fmt: skip
"""Every built-in guarantee."""


def rendered(declared: Declared, without: frozenset[str] = frozenset()) -> Mapping[str, str]:
    """File name → text: of each guarantee that is declared, but those of these ids, which the
    suite has of its own, and of the tables that they need. Raises DeclarationError."""
    _refuse_strangers(declared)
    asked = [f for f in FAMILIES if f.is_asked(declared) and _id(f) not in without]
    files = {family.file: family.text for family in asked}
    tables = dict(_tables(declared))
    wanted = {name for text in files.values() for name in _NEED.findall(text)}
    while missing := [name for name in tables if name in wanted and f"{name}.sql" not in files]:
        for name in missing:
            parts = tables[name]
            files |= {f"{part}.sql": text for part, text in parts.items()}
            if name not in parts:
                union = _template("union").render(table=name, parts=list(parts))
                files[f"{name}.sql"] = union
            wanted |= {need for text in parts.values() for need in _NEED.findall(text)}
    return files


def _id(family: Family) -> str:
    return family.file.removesuffix(".sql")


def _refuse_strangers(declared: Declared) -> None:
    """Dead letters of a consumer without effects would excuse nobody."""
    readers = {e.consumer for e in declared.of(Effects) if e.topics and e.event}
    for letters in declared.of(DeadLetters):
        if letters.consumer not in readers:
            raise DeclarationError(
                f"DeadLetters: no Effects of {letters.consumer} with topics and event are declared"
            )
    names = [saga.name for saga in declared.of(Saga)]
    sums = [one.name for one in declared.of(Conserved)]
    for kind, told in (("Saga", names), ("Conserved", sums)):
        if len(told) != len({*told}):
            raise DeclarationError(f"{kind}: two of one name; there are {', '.join(told)}")


def _tables(declared: Declared) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Name of each kind of table → its parts by name, as texts; a table without parts is its own."""
    effects = declared.of(Effects)
    sagas = declared.of(Saga)
    steps = [(step, {"saga": saga}) for saga in sagas for step in saga.steps]
    sums = [(one, {"whole": whole}) for whole in declared.of(Conserved) for one in whole.sums]
    outboxes = [o for o in declared.outboxes if o.topics]
    yield from _parts("records", "topic", _plain(declared.topics))
    told = dict(_parts("told", "outbox", _plain(outboxes)))
    told |= dict(_parts("told", "aggregate", _plain(declared.of(Aggregate)), len(outboxes), told))
    yield from told.items()
    yield from _parts("tellers", "teller", _plain(declared.tellers))
    yield from _parts("effects", "effects", _plain(effects))
    yield from _parts("expected", "expected", _plain([e for e in effects if e.topics]))
    yield from _parts("letters", "letters", _plain(declared.of(DeadLetters)))
    yield from _parts("lettered", "lettered", _plain(declared.of(DeadLetters)))
    yield from _parts("pairs", "replica", _plain(declared.of(Replica)))
    yield from _parts("states", "saga", _plain(sagas))
    yield from _parts("steps", "step", steps)
    yield from _parts("plans", "plan", steps)
    yield from _parts("sums", "sum", sums)
    yield from _parts("least", "least", [one for one in sums if one[0].least is not None])
    yield from _parts("acknowledged", "acknowledged", _plain(declared.of(Acknowledged)))
    yield from _parts("retries", "retries", _plain(declared.of(Retries)))
    for name in ("arrived", "sagas"):
        yield _PREFIX + name, {_PREFIX + name: _template(name).render()}


Declaration = tuple[Any, Mapping[str, Any]]
"""One declaration, and what else its template has to know."""


def _plain(declarations: Sequence[Any]) -> list[Declaration]:
    return [(one, {}) for one in declarations]


def _parts(
    kind: str,
    template: str,
    declarations: Sequence[Declaration],
    before: int = 0,
    others: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """One table for each declaration, numbered; nothing where there is none."""
    name = _PREFIX + kind
    parts = {
        f"{name}.{n}": _template(template).render(d=d, n=n, declared=_shown(d), **more)
        for n, (d, more) in enumerate(declarations, before + 1)
    }
    parts = {**(others or {}).get(name, {}), **parts}
    if parts:
        yield name, parts


def _shown(declaration: object) -> str:
    """As it was written, as far as that helps to find it; one line."""
    text = repr(declaration)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@cache
def _environment() -> Environment:
    made = Environment(  # noqa: S701 - SQL, no HTML: every name goes through a filter that quotes
        loader=FileSystemLoader(FOLDER / "tables"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "text": _text, "texts": _texts, "name": _name, "kept": _kept, "logged": _logged,
        "pointer": _pointer, "path": _path, "file": _file, "within": _within, "table": _table,
    }  # fmt: skip
    return made


def _template(name: str) -> Any:
    return _environment().get_template(f"{name}.sql")


def _text(value: str) -> str:
    """A literal."""
    return "'" + value.replace("'", "''") + "'"


def _texts(values: Sequence[str]) -> str:
    """A list of literals."""
    return f"[{', '.join(map(_text, values))}]::VARCHAR[]"


def _within(value: str) -> str:
    """Text inside of a literal."""
    return value.replace("'", "''")


def _name(value: str) -> str:
    """An identifier."""
    return '"' + value.replace('"', '""') + '"'


def _kept(column: str | None) -> str:
    """A column of a table, as text; null for one that is not declared."""
    return "NULL::VARCHAR" if column is None else f"{_name(column)}::VARCHAR"


def _logged(column: str | None) -> str:
    """The same of a row in the log."""
    return (
        "NULL::VARCHAR" if column is None else f"json_extract_string(columns, {_pointer(column)})"
    )


def _pointer(member: str) -> str:
    """A member of a JSON object, whatever its name is (RFC 6901)."""
    return _text("/" + member.replace("~", "~0").replace("/", "~1"))


def _path(field: str) -> str:
    """A member of an inner object, dots between."""
    return _text(
        "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in field.split("."))
    )


def _file(name: str) -> str:
    """A table's or topic's name as a snapshot has it."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)


def _table(declared: Table | Any) -> str:
    """A declared table in a snapshot, quoted."""
    name = declared.name if isinstance(declared, Table) else declared.table
    return _name(f"db.{_file(declared.node)}.{_file(name)}")
