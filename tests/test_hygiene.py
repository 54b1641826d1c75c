"""What no file of the repository may hold, told file by file."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LONGEST = 600
"""Lines a file may have before it has to be split."""

LONG_FOR_A_REASON = {
    "LICENSE": "a legal text, kept as it is",
    "constraints.txt": "written by scripts/pin",
    "harness/toolchain/lock.json": "written by scripts/lock_toolchain.py",
}
GENERATED = ("docs/reference/",)

# Written in pieces, so that this file does not hold what it forbids. Container images are not
# among them: their host is a part of the name by which users' compose files call them.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("maven", "org"),
        ("maven", "apache", "org"),
        ("mvnrepository", "com"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("deb", "debian", "org"),
        ("hub", "docker", "com"),
        ("packages", "confluent", "io"),
    )
)
# Every machine has a /root; what is hidden in it is one machine's.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:root/\.|work\b|home/\w|Users/\w)\S*")


def tracked() -> list[Path]:
    """Every file that git tracks, relative to the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
        timeout=30,
    ).stdout
    names = (Path(name) for name in listed.split("\0") if name)
    return sorted(name for name in names if (ROOT / name).is_file())


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of every file that is text."""
    for name in tracked():
        data = (ROOT / name).read_bytes()
        if b"\0" not in data[:8192]:
            yield str(name), data.decode("utf-8")


def parsed(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Name and syntax tree of every Python file below the folders."""
    for name, text in texts():
        if name.endswith(".py") and name.split("/")[0] in folders:
            yield name, ast.parse(text)


def called(node: ast.Call) -> str:
    """What a call calls, dotted: `time.sleep`."""
    return ast.unparse(node.func)


@pytest.mark.parametrize("host", REGISTRY_HOSTS)
def test_no_file_names_the_host_of_a_package_registry(host: str) -> None:
    """Clients know their registries; a mirror must be able to take their place."""
    found = [name for name, text in texts() if host in text.lower()]
    assert found == []


def test_no_file_holds_a_path_of_the_machine_that_it_was_written_on() -> None:
    """What only exists on one machine works on one machine."""
    found = [
        f"{name}: {hit.group()}"
        for name, text in texts()
        if name != "tests/test_hygiene.py"
        for hit in MACHINE_PATHS.finditer(text)
    ]
    assert found == []


def test_no_file_is_too_long_to_be_read() -> None:
    """A file is one noun; past six hundred lines it is several."""
    found = {
        name: text.count("\n")
        for name, text in texts()
        if name not in LONG_FOR_A_REASON and not name.startswith(GENERATED)
    }
    assert {name: lines for name, lines in found.items() if lines > LONGEST} == {}


def test_no_test_is_skipped_or_expected_to_fail_without_a_reason() -> None:
    """A skip says why, so that someone can tell when it is over."""
    found = [
        f"{name}:{node.lineno}"
        for name, tree in parsed("tests", "suites", "benchmarks")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and re.search(r"\b(skip|skipif|xfail|importorskip)$", called(node))
        and not any(word.arg == "reason" for word in node.keywords)
    ] + [
        f"{name}:{node.lineno}"
        for name, tree in parsed("tests", "suites", "benchmarks")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and any(
            re.search(r"\.(skip|xfail)$", ast.unparse(decorator))
            for decorator in node.decorator_list
        )
    ]
    assert found == []


_SLEEPS = {"time.sleep", "sleep"}


def _sleeps(tree: ast.AST, *, in_poll: bool = False) -> Iterator[int]:
    """Lines of blocking sleeps, except between two looks at the condition of a `while`."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Call) and not in_poll and called(child) in _SLEEPS:
            yield child.lineno
        yield from _sleeps(child, in_poll=in_poll or isinstance(child, ast.While))


def test_nothing_sleeps_where_it_could_wait_for_a_condition() -> None:
    """A sleep is too long on one machine and too short on the next."""
    found = [
        f"{name}:{line}"
        for name, tree in parsed("harness", "faults", "tests", "suites")
        for line in _sleeps(tree)
    ]
    assert found == []


def test_every_dependency_is_pinned_exactly() -> None:
    """CI and a newcomer install the same; `scripts/pin` writes the pins anew."""
    pins = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, exact, version = line.partition("==")
            assert (exact, bool(version)) == ("==", True), line
            pins[_normal(name)] = version
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.findall(r'^ {4}"([A-Za-z0-9._-]+)(?:\[[a-z]+\])?>=', project, flags=re.MULTILINE)
    assert wanted
    assert [name for name in wanted if _normal(name) not in pins] == []


def _normal(name: str) -> str:
    """A distribution's name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
