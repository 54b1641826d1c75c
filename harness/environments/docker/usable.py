"""Whether this machine can run a system in containers: an engine that answers here, and Compose.

Looks and asks, changes nothing, and needs no library of Docker's for it.
"""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.environments import resources
from harness.environments.causes import Finding
from harness.environments.docker import images
from harness.errors import MachineUnfit

_TIMEOUT_S = 10.0
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
ENGINE, COMPOSE = "docker", "docker-compose"
"""The findings that decide."""
IMAGES = "docker-images"
HOW_TO = "docs/how-to/run-in-docker.md"

Ask = Callable[[Mapping[str, str]], str | None]
"""What `docker compose version --short` prints; None where it cannot be executed."""


def diagnose(environ: Mapping[str, str] = os.environ) -> tuple[Finding, ...]:
    """The findings, none of which the namespaces environment needs. Takes about 0.1 s."""
    engine = resources.docker(environ)
    if not engine.ok:
        return engine, compose(environ)
    return engine, compose(environ), our_images(_local(environ))


def our_images(local: frozenset[str] | None) -> Finding:
    """Whether what runs beside every node is on this machine, of which these images are. A run
    names the image that it misses; this tells of it before."""
    if local is None:
        return Finding(name=IMAGES, ok=False, says="the engine does not tell its images")
    if images.SANDBOX not in local:
        says = f"the image {images.SANDBOX} is not on this machine"
        return Finding(name=IMAGES, ok=False, says=says, mend="aftershock images build")
    return Finding(name=IMAGES, ok=True, says=f"the image {images.SANDBOX} is on this machine")


class _OverUnix(http.client.HTTPConnection):
    """HTTP to the engine's socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(self._path)


def _local(environ: Mapping[str, str]) -> frozenset[str] | None:
    """The names of the engine's images; None where it does not tell them."""
    path = environ.get("DOCKER_HOST", resources.DOCKER_HOST).removeprefix("unix://")
    connection = _OverUnix(path)
    try:
        connection.request("GET", "/images/json")
        told = json.loads(connection.getresponse().read())
        return frozenset(tag for image in told for tag in image["RepoTags"] or ())
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def compose(environ: Mapping[str, str], ask: Ask | None = None) -> Finding:
    """Whether Docker's command has Compose as a plugin, version 2 or later."""
    told = (ask or _ask)(environ)
    mend = f"install Docker's Compose plugin; {HOW_TO} says how"
    if told is None:
        says = "there is no `docker compose`"
        return Finding(name=COMPOSE, ok=False, says=says, mend=mend)
    version = _VERSION.search(told)
    if version is None or int(version[1]) < 2:
        says = f"`docker compose` is {told!r}, and version 2 is wanted"
        return Finding(name=COMPOSE, ok=False, says=says, mend=mend)
    return Finding(name=COMPOSE, ok=True, says=f"Compose {told}")


def _ask(environ: Mapping[str, str]) -> str | None:
    program = shutil.which("docker", path=environ.get("PATH"))
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "compose", "version", "--short"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def report(findings: Sequence[Finding]) -> dict[str, Any]:
    """The backend's part of the document that `aftershock doctor --json` prints."""
    deciding = [finding for finding in findings if finding.name in {ENGINE, COMPOSE}]
    failed = next((finding for finding in deciding if not finding.ok), None)
    if failed is not None:
        return {"usable": False, "why": _sentence(failed)}
    return {"usable": bool(deciding), "why": "; ".join(f.says for f in deciding) or "not asked"}


def usable_or_raise(findings: Sequence[Finding] | None = None) -> None:
    """Raises MachineUnfit, with the reason and what mends it, where containers cannot be used."""
    told = report(diagnose() if findings is None else findings)
    if not told["usable"]:
        raise MachineUnfit(f"--backend docker: {told['why']}")


def _sentence(finding: Finding) -> str:
    return f"{finding.says}; mend it by: {finding.mend}" if finding.mend else finding.says
