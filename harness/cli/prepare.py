"""What must be there before a run enters its namespaces, where no network is: the toolchain."""

from pathlib import Path

from harness.report.terminal import Progress
from harness.toolchain import FetchPhase, FetchProgress, Toolchain, ensure
from harness.toolchain.cache import default_cache


def prepared_toolchain(
    *, offline: bool, cache: Path | None = None, verify: bool = False
) -> tuple[Toolchain, Path]:
    """The toolchain, fetched with progress where it is missing, and the cache's directory."""
    root = cache or default_cache()
    with Progress() as progress:
        teller = _Teller(progress)
        toolchain = ensure(offline=offline, cache_dir=root, progress=teller, verify=verify)
    return toolchain, root


def fetch(*, offline: bool) -> int:
    """`aftershock fetch`: everything there and every digest verified."""
    toolchain, root = prepared_toolchain(offline=offline, verify=True)
    print(f"the toolchain is in {root}; Java is {toolchain.java}")
    return 0


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
