"""Writes docs/whats-here.md: one sentence for each module, taken from its own docstring.

    python scripts/gen_whats_here.py            write it
    python scripts/gen_whats_here.py --check    exit 1 where the file is not what would be written

A module's sentence is the first of its docstring; a module without one is an error.
"""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "whats-here.md"

SECTIONS = {
    "harness": "What every system under test shares; knows no particular fault, service or suite.",
    "faults": "The catalogue: one file a mechanism, never one a target.",
    "suites": "Systems with their workload, invariants and steady-state probes.",
    "compose/services": "The sample system's services: ordinary programs that import nothing of ours.",
    "scripts": "What developers run.",
    "benchmarks": "What measures the harness itself.",
}


class SentenceMissingError(Exception):
    """A module says nothing of itself."""


def _has_something(module: Path) -> bool:
    """Not a test beside its subject, and not the empty file that makes a folder a package."""
    if module.name.startswith("test_"):
        return False
    return module.name != "__init__.py" or bool(module.read_text(encoding="utf-8").strip())


def modules(folder: str) -> list[Path]:
    """The Python files that git tracks below a folder, relative to it, packages first."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", folder],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    found = (Path(name) for name in listed.split("\0") if name.endswith(".py"))
    kept = (path for path in found if (ROOT / path).exists() and _has_something(ROOT / path))
    return sorted(kept, key=lambda p: (p.parent.parts, p.name != "__init__.py", p.name))


def sentence(module: Path) -> str:
    """The first sentence of the module's docstring. Raises SentenceMissingError."""
    docstring = ast.get_docstring(ast.parse((ROOT / module).read_text(encoding="utf-8")))
    if not docstring:
        message = f"{module} has no docstring"
        raise SentenceMissingError(message)
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    end = paragraph.find(". ")
    first = paragraph if end < 0 else paragraph[: end + 1]
    return first.rstrip(".:") + "."


def text() -> str:
    """The whole file."""
    lines = [
        "# What's here",
        "",
        "One sentence for each module, taken from its docstring by `scripts/gen_whats_here.py`.",
    ]
    for folder, about in SECTIONS.items():
        found = modules(folder)
        if found:
            lines += ["", f"## {folder}/", "", about, ""]
            lines += [f"- `{path.relative_to(folder)}`: {sentence(path)}" for path in found]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the file, or tell whether it is current."""
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text() else 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
