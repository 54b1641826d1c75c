"""Services that are built before they run: the label `aftershock.build` holds what to execute.

It is executed once, with this machine's network, in a copy of the build context in the cache, and
the service then runs from that copy. The copy is known by its content: another file or another
command makes another one.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.environments import nodejs
from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.system import BUILD_LABEL, Node, System

_TIMEOUT_S = 300.0
_TOLD_CHARACTERS = 500
"""Of what a failed build has printed: its end."""
_BROUGHT = ("node_modules", "__pycache__")
"""What a build in the context itself, by hand, has left there."""


def built(
    system: System, cache: Path, *, offline: bool, tell: Callable[[str], None] = lambda _: None
) -> Mapping[str, Path]:
    """Node → the folder to run it in, for every node with the label; made where it is missing.
    Raises DeclarationError, EnvironmentFailed."""
    nodejs.require(system)
    found: dict[str, Path] = {}
    for node in system.nodes:
        if BUILD_LABEL in node.labels:
            context, argv = _declared(node)
            folder = cache / "builds" / _digest(context, argv)
            if not folder.is_dir():
                if offline:
                    raise EnvironmentFailed(
                        f"service {node.name}: offline, and `{shlex.join(argv)}` was never done "
                        "here: run it once with a network"
                    )
                tell(f"building {node.name}: {shlex.join(argv)}")
                _build(node.name, context, argv, folder)
            found[node.name] = folder
    return found


def run_from(system: System, builds: Mapping[str, Path]) -> System:
    """The system, its services run from what was built."""
    nodes = tuple(
        replace(node, build=builds[node.name]) if node.name in builds else node
        for node in system.nodes
    )
    return replace(system, nodes=nodes)


def _declared(node: Node) -> tuple[Path, tuple[str, ...]]:
    try:
        argv = tuple(shlex.split(node.labels[BUILD_LABEL]))
    except ValueError as error:
        raise DeclarationError(f"service {node.name}: label {BUILD_LABEL}: {error}") from error
    if node.build is None or not argv:
        raise DeclarationError(
            f"service {node.name}: label {BUILD_LABEL} needs a command, and `build` its context"
        )
    return node.build, argv


def _digest(context: Path, argv: Sequence[str]) -> str:
    digest = hashlib.sha256("\0".join(argv).encode())
    for path in sorted(context.rglob("*")):
        name = path.relative_to(context)
        if path.is_file() and not set(_BROUGHT) & set(name.parts):
            digest.update(f"\0{name}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _build(name: str, context: Path, argv: Sequence[str], folder: Path) -> None:
    """Beside its place first: what is there is whole, and of two runs the first one's is kept."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        place = work / "context"
        shutil.copytree(context, place, ignore=shutil.ignore_patterns(*_BROUGHT))
        _execute(name, argv, place)
        try:
            place.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _execute(name: str, argv: Sequence[str], place: Path) -> None:
    said = f"service {name}: `{shlex.join(argv)}`"
    try:
        done = subprocess.run(
            nodejs.argv_of(argv),
            cwd=place,
            env={**os.environ, "PATH": nodejs.path()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT_S,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise DeclarationError(f"{said} cannot be executed: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailed(f"{said} took longer than {_TIMEOUT_S:g} s") from error
    if done.returncode:
        told = done.stdout.strip()[-_TOLD_CHARACTERS:]
        raise EnvironmentFailed(f"{said} ended with {done.returncode}: {told}")
