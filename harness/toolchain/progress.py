"""How far fetching has come, as values that a progress bar or plain lines can show."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

_REPORT_EVERY = 256 * 1024
"""Bytes between two reports: about 300 of them for the whole toolchain."""


class FetchPhase(Enum):
    """What is being done."""

    WAITING = "waiting"
    CHECKING = "checking"
    DOWNLOADING = "downloading"
    UNPACKING = "unpacking"
    READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchProgress:
    """One report. Bytes and artifacts are of this call to `ensure`; totals come from the lock."""

    phase: FetchPhase
    artifact: str | None = None
    """The file name, or None where the phase is about everything."""
    done_bytes: int = 0
    total_bytes: int = 0
    done_artifacts: int = 0
    total_artifacts: int = 0

    def __str__(self) -> str:
        match self.phase:
            case FetchPhase.WAITING:
                return "waiting for another aftershock that is fetching"
            case FetchPhase.CHECKING:
                return "checking the toolchain in the cache"
            case FetchPhase.UNPACKING:
                return f"unpacking {self.artifact}"
            case FetchPhase.READY:
                return "toolchain ready"
            case FetchPhase.DOWNLOADING:
                return (
                    f"fetching {self.done_bytes / 1e6:.1f} of {self.total_bytes / 1e6:.1f} MB, "
                    f"{self.done_artifacts} of {self.total_artifacts} files: {self.artifact}"
                )


class DownloadMeter:
    """Adds up what parallel downloads report, and passes it on, one call at a time.

    `report` is called from the downloading threads, never by two at once.
    """

    def __init__(
        self,
        report: Callable[[FetchProgress], None],
        *,
        total_bytes: int,
        total_artifacts: int,
    ) -> None:
        self._report = report
        self._total_bytes = total_bytes
        self._total_artifacts = total_artifacts
        self._done_bytes = 0
        self._done_artifacts = 0
        self._reported_bytes = 0
        self._guard = threading.Lock()

    def received(self, artifact: str, count: int) -> None:
        """`count` more bytes of the artifact are here; negative where they were worth nothing."""
        with self._guard:
            self._done_bytes += count
            if abs(self._done_bytes - self._reported_bytes) >= _REPORT_EVERY:
                self._tell(artifact)

    def finished(self, artifact: str) -> None:
        """The artifact is verified and in its place."""
        with self._guard:
            self._done_artifacts += 1
            self._tell(artifact)

    def _tell(self, artifact: str) -> None:
        self._reported_bytes = self._done_bytes
        self._report(
            FetchProgress(
                phase=FetchPhase.DOWNLOADING,
                artifact=artifact,
                done_bytes=self._done_bytes,
                total_bytes=self._total_bytes,
                done_artifacts=self._done_artifacts,
                total_artifacts=self._total_artifacts,
            )
        )
