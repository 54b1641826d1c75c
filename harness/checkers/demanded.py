"""What a suite demands of a pattern: the files of its invariants, by name, as they are stored with
a run and judged by."""

from collections.abc import Mapping
from pathlib import Path

from harness.checkers.invariant import Invariants, collected
from harness.checkers.query_file import read_text
from harness.errors import DeclarationError
from harness.model.scenario import Pattern
from harness.model.suite import Suite


def demanded(suite: Suite, pattern: Pattern) -> Mapping[str, str]:
    """File name → text: of the suite's folder and of those folders and files in it that the
    pattern names. Raises DeclarationError for a name without files, and for two files of one
    name."""
    found: dict[str, Path] = {}
    for place in (suite.invariants, *(suite.invariants / name for name in pattern.invariants)):
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
    if not found:
        raise DeclarationError(
            f"{suite.invariants}: pattern {pattern.name} has no invariants (no .sql file)"
        )
    return {name: read_text(path) for name, path in found.items()}


def invariants_of(suite: Suite, pattern: Pattern) -> Invariants:
    """The same, parsed. Raises DeclarationError."""
    texts = demanded(suite, pattern)
    return collected((text, Path(name)) for name, text in texts.items())
