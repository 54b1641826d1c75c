"""The terminal: plain lines where nobody looks, a picture where somebody does, and the summary."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from harness.report.terminal import Progress, summary


def drive(progress: Progress) -> None:
    """What a scenario calls, start to end."""
    with progress:
        progress.note("taking the [namespaces] backend")
        progress.transfer("kafka-clients.jar", 0, 9_000_000)
        progress.transfer("kafka-clients.jar", 9_000_000, 9_000_000)
        progress.scenario_started("dual-write × kill", 1, 8)
        progress.phase("start")
        progress.node("order-db", "starting")
        progress.node("order-db", "ready")
        progress.phase("workload")
        progress.fault_opened("kill", "order", "pid 4711 is gone")
        progress.fault_closed("kill", "order", "pid 4890 answers")
        progress.scenario_done("VIOLATION", "order 17 was lost", as_expected=True, duration_s=13.4)


def test_progress_is_plain_lines_off_a_terminal() -> None:
    """One line an event, each with its time, no escape sequences."""
    stream = io.StringIO()
    drive(Progress(stream))
    lines = stream.getvalue().splitlines()
    assert "\x1b" not in stream.getvalue()
    assert all(re.match(r"\d\d:\d\d:\d\d +\+\d+\.\ds  ", line) for line in lines)
    told = "\n".join(lines)
    for words in (
        "taking the [namespaces] backend",
        "fetched kafka-clients.jar 9.0 MB",
        "[1/8] dual-write × kill",
        "phase workload",
        "node order-db: ready",
        "▲ kill on order: pid 4711 is gone",
        "▽ kill on order: pid 4890 answers",
        "◆ control caught dual-write × kill 13.4 s  order 17 was lost",
    ):
        assert words in told


def test_progress_draws_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture shows phase and nodes, and is gone at the end; faults stay as lines."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    stream = io.StringIO()
    progress = Progress(stream, live=True)
    drive(progress)
    assert "▲ kill on order: pid 4711 is gone" in stream.getvalue()
    assert "order 17 was lost" in stream.getvalue()


def test_foreign_text_cannot_steer_the_terminal() -> None:
    """Escape sequences in what nodes say are made visible."""
    stream = io.StringIO()
    Progress(stream).note("\x1b[2Jgone")
    assert "\x1b" not in stream.getvalue()
    assert "␛[2Jgone" in stream.getvalue()


def test_summary_has_matrix_sentence_and_ways_on(run_dir: Path) -> None:
    """What happened, how to run the undecided one again, and where the report is."""
    stream = io.StringIO()
    results = json.loads((run_dir / "results.json").read_text())
    summary(results, run_dir, Console(file=stream, width=100, soft_wrap=True))
    told = stream.getvalue()
    for words in (
        "◆ control caught",
        "✓ PASS",
        "? INCONCLUSIVE",
        "· not run",
        results["sentence"],
        "aftershock run shop --pattern outbox-cdc --fault connector-restart --seed 7",
        "1.16 GiB",
        "report.html",
    ):
        assert words in told


def test_a_matrix_that_is_too_wide_is_told_line_by_line(run_dir: Path) -> None:
    """Each pattern with each of its faults, and what that came to, in words that can be read."""
    results = json.loads((run_dir / "results.json").read_text())
    told = {}
    for width in (200, 70):
        stream = io.StringIO()
        summary(results, run_dir, Console(file=stream, width=width, soft_wrap=True))
        told[width] = stream.getvalue()
    assert "outcome" in told[70] and "outcome" not in told[200]
    (row,) = [line for line in told[70].splitlines() if "connector-restart" in line and "│" in line]
    assert "? INCONCLUSIVE" in row
    (row,) = [line for line in told[70].splitlines() if "◆ control caught" in line and "│" in line]
    assert "kill-between-commit-and-publi" in row


def test_summary_ends_with_the_hazards(run_dir: Path) -> None:
    """Below the sentence, and with where they were seen."""
    results = json.loads((run_dir / "results.json").read_text())
    stream = io.StringIO()
    summary(results, run_dir, Console(file=stream, width=100, soft_wrap=True))
    text = stream.getvalue()
    told = "▲ hazard dual-write: order committed and then published the same key 2 times"
    assert f"{told} (dual-write × kill-between-commit-and-publish)" in text
    assert text.index(results["sentence"]) < text.index(told) < text.index("peak memory")


def test_summary_obeys_no_color(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR not one colour is set, even on a terminal."""
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    results = json.loads((run_dir / "results.json").read_text())
    summary(results, run_dir, Console(file=stream, width=100, force_terminal=True))
    assert not re.search(r"\x1b\[[\d;]*3[0-7]m", stream.getvalue())
