"""Progress: what is added up, and how it reads."""

from harness.toolchain.progress import DownloadMeter, FetchPhase, FetchProgress


def test_bytes_and_files_are_added_up_over_all_downloads() -> None:
    """What a bar shows is the sum, with totals that stand from the start."""
    seen: list[FetchProgress] = []
    meter = DownloadMeter(seen.append, total_bytes=800_000, total_artifacts=2)
    meter.received("a.jar", 300_000)
    meter.received("b.jar", 500_000)
    meter.finished("a.jar")
    assert [(p.artifact, p.done_bytes, p.done_artifacts) for p in seen] == [
        ("a.jar", 300_000, 0),
        ("b.jar", 800_000, 0),
        ("a.jar", 800_000, 1),
    ]
    assert {(p.phase, p.total_bytes, p.total_artifacts) for p in seen} == {
        (FetchPhase.DOWNLOADING, 800_000, 2)
    }


def test_small_blocks_are_not_reported_one_by_one() -> None:
    """Eleven thousand reports would cost more than they tell."""
    seen: list[FetchProgress] = []
    meter = DownloadMeter(seen.append, total_bytes=8192 * 64, total_artifacts=1)
    for _ in range(64):
        meter.received("a.jar", 8192)
    assert len(seen) == 2


def test_a_broken_attempt_is_taken_back() -> None:
    """A bar may go back, but not past its end."""
    seen: list[FetchProgress] = []
    meter = DownloadMeter(seen.append, total_bytes=600_000, total_artifacts=1)
    meter.received("a.jar", 300_000)
    meter.received("a.jar", -300_000)
    meter.received("a.jar", 600_000)
    assert [p.done_bytes for p in seen] == [300_000, 0, 600_000]


def test_every_phase_reads_as_a_line() -> None:
    """For a terminal that is none."""
    downloading = FetchProgress(
        phase=FetchPhase.DOWNLOADING, artifact="kafka.jar", done_bytes=1_500_000,
        total_bytes=76_600_000, done_artifacts=3, total_artifacts=104,
    )  # fmt: skip
    assert str(downloading) == "fetching 1.5 of 76.6 MB, 3 of 104 files: kafka.jar"
    unpacking = FetchProgress(phase=FetchPhase.UNPACKING, artifact="postgres.jar")
    assert str(unpacking) == "unpacking postgres.jar"
    assert [str(FetchProgress(phase=p)) for p in FetchPhase if p is not FetchPhase.DOWNLOADING] == [
        "waiting for another aftershock that is fetching",
        "checking the toolchain in the cache",
        "unpacking None",
        "toolchain ready",
    ]
