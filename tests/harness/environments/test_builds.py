"""What has to be built is built once for its content, beside the context, never in it."""

from pathlib import Path

import pytest

from harness.environments.builds import built, run_from
from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.system import BUILD_LABEL, Node, Role, System

COUNTING = "sh -c 'cat a.txt >made; echo x >>made'"


def system(context: Path | None, command: str) -> System:
    pay = Node(name="pay", role=Role.SERVICE, build=context, labels={BUILD_LABEL: command})
    other = Node(name="other", role=Role.SERVICE, build=context)
    return System(name="s", path=Path("s.yaml"), nodes=(pay, other))


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A build context with a file and what a build by hand has left."""
    folder = tmp_path / "context"
    (folder / "node_modules").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    return folder


def test_it_is_built_once_for_its_content(context: Path, tmp_path: Path) -> None:
    """Afterwards offline, too; another file or another command is another build."""
    cache, told = tmp_path / "cache", list[str]()
    first = built(system(context, COUNTING), cache, offline=False, tell=told.append)
    again = built(system(context, COUNTING), cache, offline=True, tell=told.append)

    assert again == first and set(first) == {"pay"}
    assert (first["pay"] / "made").read_text() == "ax\n"
    assert not (context / "made").exists() and not (first["pay"] / "node_modules").exists()
    assert told == [f"building pay: {COUNTING}"]
    (context / "a.txt").write_text("b")
    changed = built(system(context, COUNTING), cache, offline=False)
    other = built(system(context, "true"), cache, offline=False)
    assert len({first["pay"], changed["pay"], other["pay"]}) == 3


def test_only_what_was_built_runs_from_elsewhere(context: Path) -> None:
    """Every other node keeps its context."""
    ran = run_from(system(context, "true"), {"pay": Path("/built")})
    assert [node.build for node in ran.nodes] == [Path("/built"), context]


def test_a_build_that_fails_leaves_nothing(context: Path, tmp_path: Path) -> None:
    """And says what it said."""
    with pytest.raises(EnvironmentFailed, match=r"service pay: .* ended with 3: no such thing"):
        built(
            system(context, "sh -c 'echo no such thing; exit 3'"),
            tmp_path / "cache",
            offline=False,
        )
    assert list((tmp_path / "cache" / "builds").iterdir()) == []


def test_offline_it_must_have_been_built_before(context: Path, tmp_path: Path) -> None:
    """Nothing is tried."""
    with pytest.raises(EnvironmentFailed, match="service pay: offline, and `true` was never done"):
        built(system(context, "true"), tmp_path / "cache", offline=True)


@pytest.mark.parametrize(
    "command, message",
    [("", "needs a command"), ("sh -c 'x", "No closing quotation"), ("/nowhere/x", "cannot be")],
)
def test_a_label_that_cannot_be_executed_is_refused(
    context: Path, tmp_path: Path, command: str, message: str
) -> None:
    """By its service's name."""
    with pytest.raises(DeclarationError, match=f"service pay: .*{message}"):
        built(system(context, command), tmp_path / "cache", offline=False)


def test_a_build_needs_a_context(tmp_path: Path) -> None:
    """An image alone has none."""
    with pytest.raises(DeclarationError, match="`build` its context"):
        built(system(None, "true"), tmp_path / "cache", offline=False)
