"""What must be there before a run enters its namespaces, where no network is: the toolchain,
and services that have to be built."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.environments.builds import built
from harness.errors import MachineUnfit
from harness.model.system import Role, System
from harness.report.terminal import Progress
from harness.toolchain import (
    COMMON,
    Component,
    FetchPhase,
    FetchProgress,
    Toolchain,
    ensure,
    is_built,
    toxiproxy,
)
from harness.toolchain.cache import default_cache


def components_of(system: System) -> tuple[Component, ...]:
    """What of the toolchain the system needs."""
    return (*COMMON, Component.MARIADB) if system.with_role(Role.MARIADB) else COMMON


def prepared_toolchain(
    *,
    components: Sequence[Component],
    offline: bool,
    cache: Path | None = None,
    verify: bool = False,
) -> tuple[Toolchain, Path]:
    """The toolchain, fetched with progress where it is missing, and the cache's directory."""
    root = cache or default_cache()
    with Progress() as progress:
        teller = _Teller(progress)
        toolchain = ensure(
            offline=offline, cache_dir=root, progress=teller, verify=verify, components=components
        )
    return toolchain, root


def require_toxiproxy(wanted_by: str, cache: Path | None = None) -> None:
    """Raises MachineUnfit where the fault's Toxiproxy is not to be had on this machine."""
    if toxiproxy.found(cache or default_cache()) is None and toxiproxy.go_program() is None:
        raise MachineUnfit(
            f"--fault {wanted_by}: it needs Toxiproxy, and there is neither {toxiproxy.PROGRAM} "
            f"nor Go to build it with on this machine: {toxiproxy.EXTRA}"
        )


def prepared_toxiproxy(cache: Path, *, offline: bool) -> Path:
    """Toxiproxy's server, built with a note where it is missing."""
    with Progress() as progress:
        return toxiproxy.ensure(cache, offline=offline, tell=progress.note)


def builds_of(system: System, cache: Path, *, offline: bool) -> Mapping[str, Path]:
    """Node → the folder to run it in, of the services that have to be built; built with a note
    where that was not done yet."""
    with Progress() as progress:
        return built(system, cache, offline=offline, tell=progress.note)


def fetch(*, offline: bool) -> int:
    """`aftershock fetch`: everything that this machine can have, and every digest verified."""
    everything = tuple(component for component in Component if is_built(component))
    toolchain, root = prepared_toolchain(components=everything, offline=offline, verify=True)
    print(f"the toolchain is in {root}; Java is {toolchain.java}")
    print(_fetched_toxiproxy(root, offline=offline))
    return 0


def _fetched_toxiproxy(cache: Path, *, offline: bool) -> str:
    """Where its server is. It is for some faults only: that it is not to be had is no failure."""
    if toxiproxy.found(cache) is None:
        if toxiproxy.go_program() is None:
            return f"no Toxiproxy, for faults on links: {toxiproxy.EXTRA}, then fetch again"
        if offline:
            return "no Toxiproxy, for faults on links: fetch once with a network"
    return f"Toxiproxy is {prepared_toxiproxy(cache, offline=offline)}"


class _Teller:
    """Turns the toolchain's progress into the terminal's."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._phase: FetchPhase | None = None

    def __call__(self, told: FetchProgress) -> None:
        if told.phase is not self._phase:
            self._phase = told.phase
            self._progress.note(f"toolchain: {told.phase.value}")
        if told.total_bytes:
            self._progress.transfer("toolchain", told.done_bytes, told.total_bytes)
