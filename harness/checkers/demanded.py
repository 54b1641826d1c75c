"""What a suite demands of a pattern: the files of its invariants, by name, as they are stored with
a run and judged by. Its own come first, then the built-in ones that its declarations ask for; an
own one takes the place of a built-in one of the same id."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.checkers.families import Declared, rendered
from harness.checkers.invariant import Invariant, Invariants, collected, parse
from harness.checkers.query_file import read_text
from harness.errors import DeclarationError
from harness.model.scenario import Pattern
from harness.model.suite import Suite

_UNASKED = frozenset({"liveness-after-heal.sql"})
"""What is demanded of everyone, and is not enough to be judged by."""


def demanded(suite: Suite, pattern: Pattern) -> Mapping[str, str]:
    """File name → text: of the suite's folder, of those folders and files in it that the pattern
    names, and of what both declare. Raises DeclarationError for a name without files, for two files
    of one name and for a wrong declaration."""
    own = {name: read_text(path) for name, path in _own(suite, pattern).items()}
    taken = frozenset(_ids(own))
    built_in = {
        name: text for name, text in rendered(_declared(suite, pattern), taken).items()
        if name not in own
    }  # fmt: skip
    if not own and {*built_in} <= _UNASKED:
        raise DeclarationError(
            f"suite {suite.name}: pattern {pattern.name} has no invariants: neither a .sql file "
            "of its own nor a declaration that asks for built-in ones"
        )
    return {**own, **built_in}


def invariants_of(suite: Suite, pattern: Pattern) -> Invariants:
    """The same, parsed. Raises DeclarationError."""
    texts = demanded(suite, pattern)
    return collected((text, Path(name)) for name, text in texts.items())


def _own(suite: Suite, pattern: Pattern) -> Mapping[str, Path]:
    found: dict[str, Path] = {}
    for place in _places(suite, pattern):
        single = place.with_name(f"{place.name}.sql")
        paths = [single] if single.is_file() else sorted(place.glob("*.sql"))
        if not paths and place != suite.invariants:
            raise DeclarationError(
                f"{place}: pattern {pattern.name} asks for the invariants in this folder, and "
                "there is no .sql file"
            )
        for path in paths:
            if path.name in found:
                raise DeclarationError(
                    f"{path}: pattern {pattern.name} has {found[path.name]} already; rename one"
                )
            found[path.name] = path
    return found


def _places(suite: Suite, pattern: Pattern) -> tuple[Path, ...]:
    if suite.invariants is None:
        if pattern.invariants:
            raise DeclarationError(
                f"suite {suite.name}: pattern {pattern.name} names folders of invariants, and the "
                "suite has no folder that they could be in (Suite.invariants)"
            )
        return ()
    return (suite.invariants, *(suite.invariants / name for name in pattern.invariants))


def _ids(texts: Mapping[str, str]) -> Iterator[str]:
    for name, text in texts.items():
        parsed = parse(text, Path(name))
        if isinstance(parsed, Invariant):
            yield parsed.id


def _declared(suite: Suite, pattern: Pattern) -> Declared:
    return Declared(
        outboxes=tuple(pattern.outboxes),
        guarantees=(*suite.guarantees, *pattern.guarantees),
        steady=bool(suite.steady_under(pattern)),
    )
