"""What of the toolchain is in the cache, for `aftershock doctor`. Changes nothing."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from harness.toolchain import cache
from harness.toolchain.cache import Layout
from harness.toolchain.lock import shipped_lock
from harness.toolchain.machine import (
    COMMON,
    Component,
    is_built,
    java_executable,
    java_version,
    require_glibc,
)


class ComponentState(Enum):
    """How much of a component is there."""

    MISSING = "missing"
    PARTIAL = "partial"
    """Some files are there, or all and not verified yet; the next `ensure` completes it."""
    READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentStatus:
    """One component. Sizes in bytes, as downloaded."""

    component: Component
    state: ComponentState
    version: str
    present_files: int
    total_files: int
    present_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolchainStatus:
    """Every component that this machine can have, where they lie, and the Java runtime."""

    cache: Path
    components: tuple[ComponentStatus, ...]
    missing_bytes: int
    """What would have to be downloaded of what is common to all systems; a jar that two
    components share counts once."""
    java: Path
    java_version: str

    @property
    def ready(self) -> bool:
        """Whether `ensure(offline=True)` would succeed."""
        return all(
            c.state is ComponentState.READY for c in self.components if c.component in COMMON
        )


def status(*, cache_dir: Path | None = None) -> ToolchainStatus:
    """What is there. MachineUnfit where the toolchain cannot run on this machine."""
    require_glibc()
    layout = Layout(root=cache_dir or cache.default_cache(), lock=shipped_lock())
    return ToolchainStatus(
        cache=layout.root,
        components=tuple(
            component_status(layout, component) for component in Component if is_built(component)
        ),
        missing_bytes=missing_bytes(layout),
        java=java_executable(),
        java_version=java_version(),
    )


def missing_bytes(layout: Layout) -> int:
    """Bytes of all that is common and not there with its size."""
    wanted = {layout.path(c, a): a for c in COMMON for a in layout.artifacts(c)}
    return sum(a.size for path, a in wanted.items() if not cache.has_size(path, a))


def component_status(layout: Layout, component: Component) -> ComponentStatus:
    """One component's part of it, by sizes and the stamp; contents are not read."""
    artifacts = layout.artifacts(component)
    present = [a for a in artifacts if cache.has_size(layout.path(component, a), a)]
    return ComponentStatus(
        component=component,
        state=_state(ready=cache.is_ready(layout, component), present=len(present)),
        version=artifacts[0].coordinate.split(":")[2],
        present_files=len(present),
        total_files=len(artifacts),
        present_bytes=sum(a.size for a in present),
        total_bytes=sum(a.size for a in artifacts),
    )


def _state(*, ready: bool, present: int) -> ComponentState:
    if ready:
        return ComponentState.READY
    return ComponentState.PARTIAL if present else ComponentState.MISSING
