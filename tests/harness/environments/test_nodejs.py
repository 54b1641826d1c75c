"""Node.js where its package is installed, and what is said where it is not."""

from pathlib import Path

import pytest

from harness.environments import nodejs
from harness.environments.recipes.base import base_path
from harness.errors import DeclarationError
from harness.model.system import BUILD_LABEL, Node, Role, System


def system(**fields: object) -> System:
    node = Node(name="pay", role=Role.SERVICE, build=Path("/srv"), **fields)  # type: ignore[arg-type]
    return System(name="s", path=Path("s.yaml"), nodes=(node,))


def test_it_comes_before_what_the_machine_has() -> None:
    """With npm spelt out, and nothing else."""
    home = nodejs.home()
    assert home is not None
    node, npm, *rest = nodejs.argv_of(("npm", "ci"))

    assert nodejs.path().startswith(f"{home}/bin:")
    assert Path(node).is_file() and Path(npm).is_file() and rest == ["ci"]
    assert nodejs.argv_of(("make", "npm")) == ("make", "npm")


@pytest.mark.parametrize(
    "fields", [{"command": ("node", "a.js")}, {"labels": {BUILD_LABEL: "npm ci --omit=dev"}}]
)
def test_what_brings_it_is_named_where_it_is_missing(
    fields: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To whoever has a service that needs it, and to nobody else."""
    monkeypatch.setattr(nodejs, "path", lambda: "/nowhere")

    nodejs.require(system(command=("python", "-m", "node")))
    with pytest.raises(DeclarationError, match=r"service pay .*pip install 'aftershock\[polyglot"):
        nodejs.require(system(**fields))


def test_without_the_package_the_machine_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own node, if it has one."""
    monkeypatch.setattr(nodejs, "home", lambda: None)

    assert nodejs.path() == base_path()
    assert nodejs.argv_of(("npm", "ci")) == ("npm", "ci")
