"""Whatever a compose file holds, reading it raises nothing but a DeclarationError."""

import re
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.environments.compose import read
from harness.environments.compose_attributes import NO_EFFECT, READ
from harness.errors import DeclarationError
from tests.harness.environments.compose_files import GOOD, Write

_WORDS = st.sampled_from(
    sorted(READ)
    + sorted(NO_EFFECT)
    + ["services", "volumes", "networks", "name", "x-aftershock", "a", "b", "condition", "test"]
    + ["context", "target", "published", "source", "type", "path", "deploy", "<<", "interval"]
)
_TEXTS = st.sampled_from([
    "postgres", "a", "b", ".", "/", "./x:/y:ro", "v:/d", "8080:80", "9-10:9-10", "1m30s", "1h",
    "${A}", "${A:-b}", "${A:?}", "$$", "$", "${", "service_healthy", "CMD", "NONE", "bind",
    "aftershock.role=kafka", "A=1", "=", "a\0b", "no", "SIGTERM", "~", "\ud800",
])  # fmt: skip
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | _TEXTS
_TREES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_WORDS | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=25,
)
_SERVICES = st.fixed_dictionaries(
    {
        "services": st.dictionaries(
            st.sampled_from(["a", "b", "c", "A"]),
            st.fixed_dictionaries(
                {"image": st.sampled_from(["postgres", "apache/kafka:4", "x"])},
                optional=dict.fromkeys(sorted((READ | set(NO_EFFECT)) - {"image"}), _TREES),
            ),
            min_size=1,
            max_size=3,
        )
    },
    optional={"volumes": _TREES, "networks": _TREES, "name": _TREES, "x-aftershock": _TREES},
)
_SNIPPETS = st.sampled_from([
    "\t", "\0", "&a ", "*a", "*base", "<<: ", "!!python/object:os.system ", "!!int ", "{", "}",
    "[", "]", ": ", "- ", "\n", "\n  ", '"', "'", "|", ">", "%YAML 1.1", "---\n", "...", "$", "${",
    "\ufeff", "\x07", "é", "? ", "#", "\\", '"\\ud800"', '"\\UFFFFFFFF"', "9" * 5000, "!reset null",
    "1e999", "0x", "services:", "\x85", "\u2028", "[" * 2000,
])  # fmt: skip
_CALM = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150
)


def reads_or_declares(path: Path, *, environ: dict[str, str]) -> None:
    """Either a system comes out or one DeclarationError of the promised form, nothing else."""
    try:
        system = read(path, environ=environ)
    except DeclarationError as error:
        text = str(error)
        assert re.match(rf"{re.escape(str(path.parent))}/[a-z.]+(:\d+)?: ", text), text
        assert re.search(r" \(.+\)( \(and \d+ more problems?\))?$", text), text
        assert "\n" not in text and len(text) < 1000, text
    else:
        assert system.nodes


@_CALM
@given(tree=_TREES | _SERVICES)
def test_no_structure_raises_anything_but_a_declaration_error(write: Write, tree: object) -> None:
    """Random YAML built from the words that Compose knows."""
    text = yaml.safe_dump(tree, allow_unicode=True)
    path = write("")
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    reads_or_declares(path, environ={"A": "1", "HOME": "/nowhere"})


@_CALM
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 40), _SNIPPETS | st.text(max_size=3)),
        min_size=1,
        max_size=4,
    )
)
def test_no_edit_of_a_good_file_raises_anything_but_a_declaration_error(
    write: Write, edits: list[tuple[int, int, str]]
) -> None:
    """Random replacements in the good file."""
    text = GOOD
    for at, length, snippet in edits:
        text = text[:at] + snippet + text[at + length :]
    path = write("")
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    reads_or_declares(path, environ={})


@_CALM
@given(data=st.binary(max_size=80), environ=st.dictionaries(st.text(), st.text()))
def test_no_bytes_raise_anything_but_a_declaration_error(
    write: Write, data: bytes, environ: dict[str, str]
) -> None:
    """Random bytes, also as env file and .env file."""
    path = write("")
    path.write_bytes(data)
    reads_or_declares(path, environ=environ)

    path = write(GOOD)
    (path.parent / "order.env").write_bytes(data)
    reads_or_declares(path, environ=environ)
    dot_env = path.parent / ".env"
    dot_env.write_bytes(data)
    reads_or_declares(path, environ=environ)
    dot_env.unlink()
