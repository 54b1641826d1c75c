"""Where a run's system lives, chosen by `--backend`: what each needs beforehand, and what it makes.

Containers' libraries are imported only where containers are chosen.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from harness.cli import place as places
from harness.cli.prepare import (
    builds_of,
    components_of,
    prepared_toolchain,
    prepared_toxiproxy,
    require_toxiproxy,
)
from harness.engine.rig import Rig
from harness.environments import doctor, nodejs, warm
from harness.environments.docker import usable as containers
from harness.environments.memory import MemoryMeter
from harness.environments.namespaces import Namespaces
from harness.environments.outer import run_inside
from harness.errors import AftershockError, DeclarationError, EnvironmentFailed, MachineUnfit
from harness.model.system import System
from harness.protocols import NodeState
from harness.toolchain.cache import default_cache

NAMES = ("auto", "namespaces", "docker")

Listener = Callable[[str, NodeState], None]
Tell = Callable[[str], None]


class Backend(Protocol):
    """One of them, ready for one system."""

    name: str
    cache: Path
    builds: Mapping[str, Path]
    """Node → the folder to run it in, of services that are built beforehand."""
    versions: Mapping[str, str]
    """Of what a run's record is to name besides packages."""

    def clear(self, tell: Tell) -> None:
        """Remove what has outlived a dead run, where anything does."""
        ...

    def run(self, main: Callable[[], int]) -> int:
        """Run the harness where it can reach what it starts. Raises MachineUnfit."""
        ...

    async def warm_up(self, system: System, place: places.Place, tell: Tell, /) -> float | None:
        """Do what is done once on a machine; how long it took, None where it was done."""
        ...

    def environment(
        self, system: System, place: places.Place, logs: Path, listener: Listener, *, tapped: bool
    ) -> AbstractAsyncContextManager[Rig]:
        """The nodes."""
        ...

    def meter(self) -> MemoryMeter:
        """What measures the run's memory."""
        ...


def chosen(
    name: str, system: System, *, offline: bool, cache: Path | None, poisoned: str | None = None
) -> Backend:
    """The backend of that name, what it needs being there; `poisoned`: a fault that needs
    Toxiproxy. Raises AftershockError."""
    if name == "docker":
        return InContainers(system, cache=cache, poisoned=poisoned)
    return InNamespaces(system, offline=offline, cache=cache, poisoned=poisoned)


def decided(name: str, tell: Tell) -> str:
    """What `auto` is on this machine: namespaces, unless they cannot be used here and containers can,
    which is told with the reason. Another name is itself."""
    if name != "auto":
        return name
    # Where there is no engine there is no choice, and namespaces need not be tried before the run.
    if not containers.engine(os.environ).ok:
        return InNamespaces.name
    told = doctor.report(doctor.diagnose())["backends"]
    here, there = told[InNamespaces.name], told[InContainers.name]
    if here["usable"] or not there["usable"]:
        return InNamespaces.name
    tell(f"--backend docker, because namespaces cannot be used: {here['why']}")
    return InContainers.name


def remove_left(told: Mapping[str, Any], run: str) -> None:
    """Remove what a stack that was up has left besides its place, its keeper being dead; `told`:
    what it said of itself. Raises EnvironmentFailed."""
    if told.get("backend") != InContainers.name:
        return
    from harness.environments.docker import engine, sdk  # noqa: PLC0415 - see above

    try:
        engine.remove(sdk.connect(compose=False), run)
    except AftershockError as error:
        raise EnvironmentFailed(
            f"{told['suite']}: its containers may still be there ({error}); `aftershock clean` "
            "removes them as soon as the engine answers"
        ) from error


def known(name: str) -> None:
    """Raises DeclarationError for another name."""
    if name not in NAMES:
        raise DeclarationError(f"--backend {name}: there are {', '.join(NAMES)}")


class InNamespaces:
    """Native processes; the default."""

    name = "namespaces"

    def __init__(
        self, system: System, *, offline: bool, cache: Path | None, poisoned: str | None = None
    ) -> None:
        nodejs.require(system)
        if poisoned is not None:
            require_toxiproxy(poisoned, cache)
        self._toolchain, self.cache = prepared_toolchain(
            components=components_of(system), offline=offline, cache=cache
        )
        self._toxiproxy = (
            None if poisoned is None else prepared_toxiproxy(self.cache, offline=offline)
        )
        self.builds = builds_of(system, self.cache, offline=offline)
        self.versions: Mapping[str, str] = {}

    def clear(self, tell: Tell) -> None:
        """Nothing: the kernel has."""

    def run(self, main: Callable[[], int]) -> int:
        try:
            return run_inside(main)
        except MachineUnfit:
            doctor.usable_or_raise()  # knows which of the causes it is
            raise

    async def warm_up(self, system: System, place: places.Place, tell: Tell) -> float | None:
        if warm.is_warm(self._toolchain, system):
            return None
        tell("preparing the Java programs (once): recording their class caches")
        began = time.monotonic()
        logs = place.path / "warm-logs"
        await warm.record(self._toolchain, system, directory=place.path / "warm", logs=logs)
        return time.monotonic() - began

    def environment(
        self, system: System, place: places.Place, logs: Path, listener: Listener, *, tapped: bool
    ) -> Namespaces:
        return Namespaces(
            system, self._toolchain, directory=place.nodes, logs=logs, listener=listener,
            tapped=tapped, toxiproxy=self._toxiproxy,
        )  # fmt: skip

    def meter(self) -> MemoryMeter:
        return MemoryMeter()


class InContainers:
    """Containers of a local Docker Engine."""

    name = "docker"

    def __init__(self, system: System, *, cache: Path | None, poisoned: str | None = None) -> None:
        from harness.cli import images  # noqa: PLC0415 - see above
        from harness.environments.docker import sdk  # noqa: PLC0415 - see above

        self._client = sdk.connect()
        refused = images.foreign(system)
        if refused:
            raise DeclarationError(images.why_foreign(refused[0]))
        self._toxiproxy = None if poisoned is None else images.toxiproxy(self._client, poisoned)
        self.cache = cache or default_cache()
        self.builds: Mapping[str, Path] = {}
        with sdk.engine_errors("the engine's version"):
            told = self._client.version()
        self.versions: Mapping[str, str] = {
            "docker-engine": str(told["Version"]),
            "docker": version("docker"),
        }

    def clear(self, tell: Tell) -> None:
        from harness.environments.docker import leftovers  # noqa: PLC0415 - see above

        for run in leftovers.remove_dead(self._client, self.cache / "runs"):
            tell(f"removed what the dead run {run} had left in the engine")

    def run(self, main: Callable[[], int]) -> int:
        return main()

    async def warm_up(self, _system: System, _place: places.Place, tell: Tell) -> float | None:
        await asyncio.to_thread(self.clear, tell)
        return None

    def environment(
        self, system: System, place: places.Place, logs: Path, listener: Listener, *, tapped: bool
    ) -> AbstractAsyncContextManager[Rig]:
        from harness.environments.docker.containers import Containers  # noqa: PLC0415 - see above

        return Containers(
            system, self._client, place=place.path, directory=place.nodes, logs=logs,
            listener=listener, tapped=tapped, toxiproxy=self._toxiproxy,
        )  # fmt: skip

    def meter(self) -> MemoryMeter:
        """None: the sum over this machine's processes would be the machine's."""
        return MemoryMeter(total=lambda: 0.0)
