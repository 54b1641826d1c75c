"""Tests stand where what they test stands: one test file for each module, in the same folder."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

TESTED_ELSEWHERE: dict[str, str] = {
    "harness/environments/spawn.py": "a program of its own, which every test of process.py runs",
}
"""Module → why it has no test file of its own."""


def does_something(module: Path) -> bool:
    """Whether any function of the module has a body: declarations alone leave nothing to test."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return any(
        not all(
            isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant) for step in f.body
        )
        for f in ast.walk(tree)
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def modules() -> list[Path]:
    """Every module of harness and faults that does something."""
    found = (p for folder in ("harness", "faults") for p in (ROOT / folder).rglob("*.py"))
    return sorted(p.relative_to(ROOT) for p in found if does_something(p))


def mirror(module: Path) -> Path:
    """Where a module's tests belong; a package's stand under the package's name."""
    if module.name == "__init__.py":
        return Path("tests", *module.parts[:-2], f"test_{module.parts[-2]}.py")
    return Path("tests", *module.parts[:-1], f"test_{module.name}")


@pytest.mark.parametrize("module", modules(), ids=str)
def test_every_module_has_tests_in_its_mirror(module: Path) -> None:
    """Who opens a module finds its tests without searching."""
    has_tests = (ROOT / mirror(module)).is_file()
    reason = TESTED_ELSEWHERE.get(str(module))
    assert has_tests or reason, f"{mirror(module)} is missing"
    assert not (has_tests and reason), f"{module} has tests: take it off the list"


def test_the_list_of_exceptions_names_modules_that_exist() -> None:
    """A list of exceptions that outlives them hides the next one."""
    assert [name for name in TESTED_ELSEWHERE if not (ROOT / name).is_file()] == []
