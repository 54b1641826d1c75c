"""Which engine is meant: the one that the `docker` command would talk to.

It is said by DOCKER_HOST, else by a context, which DOCKER_CONTEXT or `docker context use` names, else
it is the engine at its usual socket; what is said there is read and nothing is asked. Everything of
ours takes its engine from here and hands it on by address, so that the SDK and `docker compose`
cannot come to mean two.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.errors import MachineUnfit

USUAL = "unix:///var/run/docker.sock"
"""Where an engine answers if nothing else is said."""
_DEFAULT = "default"
"""The context that is none: what DOCKER_HOST says, or the usual socket."""
_TCP_PORT = 2375
_SAYING = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
"""The variables by which the command is told of an engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where an engine answers on this machine: at a socket's path, or at a port of the loopback."""

    host: str
    """As DOCKER_HOST names it."""
    path: str | None
    address: tuple[str, int] | None = None

    def __str__(self) -> str:
        return self.path or self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What is said of the engine, before it is judged."""

    host: str
    by: str
    is_secured: bool
    """By TLS, for which the command has certificates."""


def current(environ: Mapping[str, str] = os.environ) -> Endpoint:
    """The engine that is meant. Raises MachineUnfit where that is none of this machine's, or the
    context is not to be read."""
    said = _said(environ)
    kind, _, rest = said.host.partition("://")
    if kind == "unix" and rest.startswith("/"):
        return Endpoint(host=said.host, path=rest)
    if kind != "tcp":
        raise MachineUnfit(f"{said.by} is {said.host}: no local socket")
    address = _loopback(said.host)
    if address is None:
        raise MachineUnfit(f"{said.by} is {said.host}: an engine on another host")
    if said.is_secured:
        raise MachineUnfit(f"{said.by} is {said.host} with TLS: name the engine's socket instead")
    return Endpoint(host=said.host, path=None, address=address)


def handed_on(environ: Mapping[str, str], host: str) -> dict[str, str]:
    """The environment of a `docker` command that is to talk to this engine."""
    kept = {name: value for name, value in environ.items() if name not in _SAYING}
    return {**kept, "DOCKER_HOST": host}


def _said(environ: Mapping[str, str]) -> _Said:
    """In the command's own order."""
    secured = any(environ.get(name) for name in ("DOCKER_TLS", "DOCKER_TLS_VERIFY"))
    if environ.get("DOCKER_HOST"):
        return _Said(host=environ["DOCKER_HOST"], by="DOCKER_HOST", is_secured=secured)
    settings = Path(environ.get("DOCKER_CONFIG") or Path(_home(environ), ".docker"))
    name, by = environ.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
    if not name:
        name, by = _chosen(settings), f"the current context in {settings / 'config.json'}"
    if name == _DEFAULT:
        return _Said(host=USUAL, by="the usual socket", is_secured=secured)
    return _context(settings / "contexts", name, by)


def _home(environ: Mapping[str, str]) -> str:
    return environ.get("HOME") or str(Path("~").expanduser())


def _chosen(settings: Path) -> str:
    """The context that `docker context use` has left in the command's settings."""
    try:
        told = _document(settings / "config.json")
    except (OSError, ValueError, TypeError):
        return _DEFAULT  # the command goes on without settings, too
    return str(told.get("currentContext") or _DEFAULT)


def _context(store: Path, name: str, by: str) -> _Said:
    """What a context's file says; an empty address is the usual socket."""
    folder = hashlib.sha256(name.encode()).hexdigest()
    path = store / "meta" / folder / "meta.json"
    try:
        host = str(_document(path)["Endpoints"]["docker"].get("Host") or USUAL)
    except FileNotFoundError:
        why = f"{by} is {name}, and there is no such context"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{by} is {name}, and {path} is not to be read ({type(error).__name__})"
    else:
        secured = (store / "tls" / folder / "docker").is_dir()
        return _Said(host=host, by=f"Docker's context {name}", is_secured=secured)
    raise MachineUnfit(f"{why}; `docker context ls` tells those that there are")


def _document(path: Path) -> dict[str, Any]:
    told = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(told, dict):
        raise TypeError(f"{path} is no document")
    return told


def _loopback(host: str) -> tuple[str, int] | None:
    """The address of a tcp:// engine, if that is this machine's own."""
    try:
        parts = urlsplit(host)
        name, port = parts.hostname or "", parts.port or _TCP_PORT
        local = name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return None
    return (name, port) if local else None
