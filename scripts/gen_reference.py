"""Writes docs/reference/ from the code, so that it cannot say anything else than the code does,
and the index of the shop's patterns.

    python scripts/gen_reference.py            write it
    python scripts/gen_reference.py --check    name the pages that are not current; exit 1 if any

Each page is a function of `catalogues` or of `forms`.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import catalogues
import forms

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "reference"
INDEX = "../explanation/patterns/README.md"
"""Beside the pages that people have written."""

PAGES: Mapping[str, Callable[[], list[str]]] = {
    "command.md": forms.command,
    "compose.md": forms.compose_file,
    "faults.md": catalogues.faults,
    "hazards.md": catalogues.hazards,
    "invariants.md": catalogues.invariants,
    "lifecycle.md": forms.lifecycle,
    "run-directory.md": forms.run_directory,
    "suite.md": forms.suite_page,
    "toolchain.md": forms.toolchain,
    "verdicts.md": catalogues.verdicts,
    INDEX: lambda: catalogues.patterns(TARGET / INDEX),
}

_NOTE = "<!-- Written by scripts/gen_reference.py from the code; don't edit. -->"


def text(name: str) -> str:
    """One page as it should be."""
    return "\n".join([_NOTE, "", *PAGES[name]()]) + "\n"


def stale() -> list[str]:
    """Pages that are missing, not current, or nobody's."""
    wrong = [name for name in PAGES if _stored(name) != text(name)]
    strangers = {page.name for page in TARGET.glob("*")} - set(PAGES)
    return sorted([*wrong, *strangers])


def _stored(name: str) -> str:
    path = TARGET / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> int:
    """Write the pages, or tell which are not current."""
    if "--check" in sys.argv[1:]:
        found = stale()
        print("\n".join(found) or "docs/reference is current")
        return 1 if found else 0
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / INDEX).parent.mkdir(exist_ok=True)
    for name in PAGES:
        (TARGET / name).write_text(text(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
