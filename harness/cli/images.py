"""`aftershock images build`: every image that a suite needs to run in containers."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.cli import suites
from harness.cli.matrix import union_of
from harness.cli.prepare import prepared_toolchain, prepared_toxiproxy
from harness.environments.docker import images, sdk
from harness.environments.docker.build import Builder
from harness.errors import DeclarationError, MachineUnfit
from harness.model.system import Node, Role, System
from harness.report.terminal import Progress
from harness.toolchain import COMMON
from harness.toolchain import toxiproxy as toolchain
from harness.toolchain.cache import default_cache

if TYPE_CHECKING:
    from docker import DockerClient


def build(name: str, patterns: Sequence[str] = (), *, offline: bool) -> int:
    """Build what is missing and say so. Raises AftershockError."""
    suite = suites.load(name)
    chosen = [suite.pattern(p) for p in patterns] or [
        p for p in suite.patterns if not foreign(union_of(suite, [p]))
    ]
    system = union_of(suite, chosen)
    refused = foreign(system)
    if refused:
        raise DeclarationError(why_foreign(refused[0]))
    client = sdk.connect(compose=False)
    with Progress() as progress:
        builder = Builder(client, progress.note)
        _build(builder, system, offline=offline)
        _build_toxiproxy(builder, offline=offline)
    return 0


def _build(builder: Builder, system: System, *, offline: bool) -> None:
    local = builder.local()
    there = [n for n in system.nodes if n.image is not None and n.image in local]
    for official in dict.fromkeys(n.image for n in there):
        builder.tell(f"{official}: is there, and needs no stand-in")
    missing = frozenset(
        n.role for n in system.nodes if n.role in images.STAND_INS and n not in there
    )
    base = images.OFFICIAL_PYTHON if images.OFFICIAL_PYTHON in local else images.PYTHON
    if missing or base == images.PYTHON:
        builder.debian()
    if base == images.PYTHON:
        builder.build(images.python_stand_in())
    builder.build(images.sandbox_image(base))
    if missing:
        toolchain, _ = prepared_toolchain(components=COMMON, offline=offline)
        for image in images.stand_ins(toolchain, missing):
            builder.build(image)
    for context in images.contexts(system):
        builder.build_service(images.service_image(context, base))


def _build_toxiproxy(builder: Builder, *, offline: bool) -> None:
    """It is for some faults only: that it is not to be had is no failure."""
    official, cache = images.official_toxiproxy(os.environ), default_cache()
    if official in builder.local():
        builder.tell(f"{official}: is there, and needs no stand-in")
    elif toolchain.found(cache) is None and (toolchain.go_program() is None or offline):
        why = "fetch once with a network" if toolchain.go_program() else toolchain.EXTRA
        builder.tell(f"{images.TOXIPROXY}, for faults on links: not built: {why}, then build again")
    else:
        builder.debian()
        builder.build(images.toxiproxy_stand_in(prepared_toxiproxy(cache, offline=offline)))


def toxiproxy(client: "DockerClient", wanted_by: str) -> str:
    """The image to run Toxiproxy from. Raises MachineUnfit where there is none on this machine."""
    with sdk.engine_errors("the engine's images"):
        local = frozenset(tag for image in client.images.list() for tag in image.tags)
    found = images.toxiproxy(local, os.environ)
    if found is None:
        raise MachineUnfit(
            f"--fault {wanted_by}: it needs Toxiproxy, and neither "
            f"{images.official_toxiproxy(os.environ)} nor {images.TOXIPROXY} is on this machine; "
            "`aftershock images build` builds the second"
        )
    return found


_SERVED = frozenset({Role.SERVICE, *images.STAND_INS})


def foreign(system: System) -> tuple[Node, ...]:
    """The nodes that cannot be run in containers yet: another make of server, or a service whose
    Dockerfile is not built upon Python."""
    return tuple(
        node
        for node in system.nodes
        if node.role not in _SERVED
        or (node.role is Role.SERVICE and not images.is_python(node.build))
    )


def why_foreign(node: Node) -> str:
    """One sentence."""
    return (
        f"service {node.name}: --backend docker does not run "
        + (
            f"role {node.role.value}"
            if node.role not in _SERVED
            else "services without a Dockerfile upon Python"
        )
        + " yet; leave its pattern out or use --backend namespaces"
    )
