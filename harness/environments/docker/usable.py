"""Whether this machine can run a system in containers: an engine that answers here, and Compose.

Looks and asks, changes nothing, and needs no library of Docker's for it.
"""

import http.client
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.environments.causes import Finding
from harness.environments.docker import context, images, seat
from harness.environments.docker.answering import ask
from harness.errors import MachineUnfit

_TIMEOUT_S = 10.0
_PING_TIMEOUT_S = 2.0
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
ENGINE, COMPOSE = "docker", "docker-compose"
"""The findings that decide."""
IMAGES = "docker-images"
_PODMAN = (
    "it is Podman, where Compose makes the sandboxes anew with the nodes that join them, and the nodes "
    "are not reached at their addresses"
)
_ROOTLESS = "it is rootless Docker, in which no run has been seen to work yet"
HOW_TO = "docs/how-to/run-in-docker.md"

AskCompose = Callable[[Mapping[str, str]], str | None]
"""What `docker compose version --short` prints; None where it cannot be executed."""


def diagnose(environ: Mapping[str, str] = os.environ) -> tuple[Finding, ...]:
    """The findings, none of which the namespaces environment needs. Takes about 0.1 s."""
    found = engine(environ)
    if not found.ok:
        return found, compose(environ)
    return found, compose(environ), our_images(_local(environ))


def engine(environ: Mapping[str, str]) -> Finding:
    """Whether the engine that is meant answers, and stands where the harness does."""
    try:
        endpoint = context.current(environ)
        answer = ask(endpoint, "/_ping", timeout_s=_PING_TIMEOUT_S)
    except MachineUnfit as error:
        return Finding(name=ENGINE, ok=False, says=str(error))
    except OSError as error:
        says = f"no Docker Engine answers at {endpoint} ({error.strerror or error})"
        return Finding(name=ENGINE, ok=False, says=says)
    except http.client.HTTPException:
        return Finding(name=ENGINE, ok=False, says=f"{endpoint} is no Docker Engine")
    why = _PODMAN if answer.server.startswith("Libpod/") else seat.elsewhere(answer.peer)
    if why is None and _is_rootless(endpoint):
        why = _ROOTLESS
    if why is not None:
        return Finding(name=ENGINE, ok=False, says=f"the engine at {endpoint} is of no use: {why}")
    return Finding(name=ENGINE, ok=True, says=f"a Docker Engine answers at {endpoint}")


def _is_rootless(endpoint: context.Endpoint) -> bool:
    """By the engine's own word; one that does not give it is taken for another."""
    try:
        told = ask(endpoint, "/info", timeout_s=_TIMEOUT_S).document()
        return any(str(option) == "name=rootless" for option in told["SecurityOptions"] or ())
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return False


def our_images(local: frozenset[str] | None) -> Finding:
    """Whether what runs beside every node is on this machine, of which these images are. A run
    names the image that it misses; this tells of it before."""
    if local is None:
        return Finding(name=IMAGES, ok=False, says="the engine does not tell its images")
    if images.SANDBOX not in local:
        says = f"the image {images.SANDBOX} is not on this machine"
        return Finding(name=IMAGES, ok=False, says=says, mend="aftershock images build")
    return Finding(name=IMAGES, ok=True, says=f"the image {images.SANDBOX} is on this machine")


def _local(environ: Mapping[str, str]) -> frozenset[str] | None:
    """The names of the engine's images; None where it does not tell them."""
    try:
        told = ask(context.current(environ), "/images/json", timeout_s=_TIMEOUT_S).document()
        return frozenset(tag for image in told for tag in image["RepoTags"] or ())
    except (MachineUnfit, OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return None


def compose(environ: Mapping[str, str], asked: AskCompose | None = None) -> Finding:
    """Whether Docker's command has Compose as a plugin, version 2 or later."""
    told = (asked or _ask_compose)(environ)
    mend = f"install Docker's Compose plugin; {HOW_TO} says how"
    if told is None:
        says = "there is no `docker compose`"
        return Finding(name=COMPOSE, ok=False, says=says, mend=mend)
    version = _VERSION.search(told)
    if version is None or int(version[1]) < 2:
        says = f"`docker compose` is {told!r}, and version 2 is wanted"
        return Finding(name=COMPOSE, ok=False, says=says, mend=mend)
    return Finding(name=COMPOSE, ok=True, says=f"Compose {told}")


def _ask_compose(environ: Mapping[str, str]) -> str | None:
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
