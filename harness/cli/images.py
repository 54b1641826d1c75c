"""`aftershock images build`: every image that a suite needs to run in containers."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.cli import suites
from harness.cli.matrix import union_of
from harness.cli.prepare import components_of, prepared_toolchain, prepared_toxiproxy
from harness.environments import nodejs
from harness.environments.docker import images, sdk
from harness.environments.docker.build import Builder
from harness.errors import DeclarationError, MachineUnfit
from harness.model.scenario import Pattern
from harness.model.suite import Suite
from harness.model.system import Node, Role, System
from harness.report.terminal import Progress
from harness.toolchain import Component, is_built
from harness.toolchain import toxiproxy as toolchain
from harness.toolchain.cache import default_cache

if TYPE_CHECKING:
    from docker import DockerClient


def build(name: str, patterns: Sequence[str] = (), *, offline: bool) -> int:
    """Build what is missing and say so. Raises AftershockError."""
    suite = suites.load(name)
    named = [suite.pattern(p) for p in patterns]
    if named and (refused := foreign(union_of(suite, named))):
        raise DeclarationError(why_foreign(refused[0]))
    client = sdk.connect(compose=False)
    with Progress() as progress:
        builder = Builder(client, progress.note)
        chosen = named or _possible(builder, suite)
        system = union_of(suite, chosen)
        if (lacks := lacking(system, builder.local())) is not None:
            raise MachineUnfit(lacks)
        _build(builder, system, offline=offline)
        _build_toxiproxy(builder, offline=offline)
    return 0


def _possible(builder: Builder, suite: Suite) -> list[Pattern]:
    """The suite's patterns, less those whose images cannot be had here, which are named. Raises
    MachineUnfit where none is left."""
    local, chosen = builder.local(), list[Pattern]()
    for pattern in suite.patterns:
        system = union_of(suite, [pattern])
        refused = foreign(system)
        why = why_foreign(refused[0]) if refused else lacking(system, local)
        if why is None:
            chosen.append(pattern)
        else:
            builder.tell(f"pattern {pattern.name}: left out: {why}")
    if not chosen:
        raise MachineUnfit(
            f"suite {suite.name}: the images of none of its patterns can be had here"
        )
    return chosen


def _build(builder: Builder, system: System, *, offline: bool) -> None:
    local = builder.local()
    there = [n for n in system.nodes if n.image is not None and n.image in local]
    for official in dict.fromkeys(n.image for n in there):
        builder.tell(f"{official}: is there, and needs no stand-in")
    missing = tuple(n for n in system.nodes if n.role in images.STAND_INS and n not in there)
    bases = {
        context: images.base_of(asked, local)
        for context in images.contexts(system)
        if (asked := images.base_asked(context)) is not None
    }
    python = images.base_of(images.OFFICIAL_PYTHON, local)
    ours = [b for b in dict.fromkeys((python, *bases.values())) if b in images.BASES.values()]
    if missing or ours:
        builder.debian()
    for base in ours:
        builder.build(images.base_stand_in(base))
    builder.build(images.sandbox_image(python))
    if missing:
        needed = components_of(replace(system, nodes=missing))
        toolchain, _ = prepared_toolchain(components=needed, offline=offline)
        for image in images.stand_ins(toolchain, frozenset(n.role for n in missing)):
            builder.build(image)
    for context, base in bases.items():
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
    Dockerfile asks for none of the bases that there are."""
    return tuple(
        node
        for node in system.nodes
        if node.role not in _SERVED
        or (node.role is Role.SERVICE and images.base_asked(node.build) not in images.BASES)
    )


def why_foreign(node: Node) -> str:
    """One sentence."""
    return (
        f"service {node.name}: --backend docker does not run "
        + (
            f"role {node.role.value}"
            if node.role not in _SERVED
            else "services without a Dockerfile that begins with "
            + " or ".join(f"ARG BASE={base}" for base in images.BASES)
        )
        + " yet; leave its pattern out or use --backend namespaces"
    )


def lacking(system: System, local: frozenset[str]) -> str | None:
    """Why the images of a system cannot all be had on this machine, of whose engine these are; None
    where they can. What a network would bring is not asked for."""
    for node in system.nodes:
        asked = images.base_asked(node.build) if node.role is Role.SERVICE else None
        if asked == images.OFFICIAL_NODE and asked not in local and nodejs.home() is None:
            return (
                f"service {node.name} is built upon {asked}, which is not on this machine: "
                f"{nodejs.EXTRA} for a stand-in, or `docker pull {asked}`"
            )
        if (
            node.role is Role.MARIADB
            and node.image not in local
            and not is_built(Component.MARIADB)
        ):
            return (
                f"service {node.name}: {node.image} is not on this machine, whose CPU MariaDB's "
                f"stand-in is not for: `docker pull {node.image}`"
            )
    return None
