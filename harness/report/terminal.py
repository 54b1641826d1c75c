"""The terminal: live progress on stderr while a run goes on, and the summary when it is over.

On a terminal the progress is a small live picture with the events scrolling above it; anywhere
else (CI, a pipe) each event is one plain line with its time. NO_COLOR is obeyed (by rich).
"""

import shlex
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from harness.model.verdict import Verdict
from harness.report.hazards import Risk, risks_of
from harness.report.load import JsonObject, StoredRun, load, reproduce
from harness.report.matrix import MatrixCell, cell_of, matrix_of
from harness.report.words import Cell, clean, memory, outcome, plural, seconds

_STYLES = {
    Cell.AS_EXPECTED: "green",
    Cell.CAUGHT: "cyan",
    Cell.UNEXPECTED: "bold red",
    Cell.UNDECIDED: "yellow",
    Cell.NOT_RUN: "dim",
}
_READY_STATES = {"ready", "healthy", "running", "up"}
_PASSING_STATES = {"starting", "absent"}
"""States that are no news in a log of lines."""


class Progress:
    """What a run is doing. Every method may be called at any time, from one thread.

    Use as a context manager: outside of it, events are printed as plain lines.
    """

    def __init__(self, stream: TextIO | None = None, live: bool | None = None) -> None:
        self._console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True)
        self._is_live = self._console.is_terminal if live is None else live
        self._live: Live | None = None
        self._began = time.monotonic()
        self._phase_began = self._began
        self._scenario: tuple[str, int, int] | None = None
        self._phase: str | None = None
        self._nodes: dict[str, str] = {}
        self._faults: dict[tuple[str, str], str] = {}
        self._transfers: dict[str, tuple[int, int | None]] = {}
        self._spinner = Spinner("dots", style="cyan")

    def __enter__(self) -> Self:
        if self._is_live:
            self._live = Live(
                get_renderable=self._picture,
                console=self._console,
                refresh_per_second=8,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def scenario_started(self, scenario: str, number: int, total: int) -> None:
        """Scenario `number` of `total` begins."""
        self._scenario = (scenario, number, total)
        self._phase, self._faults = None, {}
        self._say(f"[bold]\\[{number}/{total}] {_safe(scenario)}[/]")

    def scenario_done(
        self, verdict: str, reason: str, as_expected: bool, duration_s: float
    ) -> None:
        """The scenario that was started last came to a verdict."""
        cell, told = _ended(verdict, as_expected)
        name = "" if self._scenario is None else self._scenario[0]
        self._phase, self._faults = None, {}
        self._say(
            f"[{_STYLES[cell]}]{cell.mark} {_safe(told)}[/] {_safe(name)} "
            f"[dim]{seconds(duration_s)}[/]  {_safe(reason)}"
        )
        self._scenario = None

    def phase(self, name: str) -> None:
        """The scenario goes over to another phase: `workload`, `quiesce`, …"""
        self._phase, self._phase_began = name, time.monotonic()
        if not self._is_live:
            self._say(f"  phase {_safe(name)}")

    def node(self, name: str, state: str) -> None:
        """A node's state changed: `starting`, `ready`, `killed`, `paused`, …"""
        self._nodes[name] = state
        if state == "absent":
            del self._nodes[name]
        if not self._is_live and state not in _PASSING_STATES:
            self._say(f"  node {_safe(name)}: {_safe(state)}")

    def fault_opened(self, name: str, target: str, says: str) -> None:
        """A fault is in effect; `says` is its proof."""
        self._faults[(name, target)] = says
        self._say(f"  [yellow]▲ {_safe(name)}[/] on {_safe(target)}: {_safe(says)}")

    def fault_closed(self, name: str, target: str, says: str) -> None:
        """A fault is healed; `says` is the proof that things work again."""
        self._faults.pop((name, target), None)
        self._say(f"  [green]▽ {_safe(name)}[/] on {_safe(target)}: {_safe(says)}")

    def transfer(self, name: str, done_bytes: int, total_bytes: int | None = None) -> None:
        """A download goes on; at `total_bytes` it is finished."""
        began = name not in self._transfers
        finished = total_bytes is not None and done_bytes >= total_bytes
        self._transfers[name] = (done_bytes, total_bytes)
        if finished:
            self._transfers.pop(name)
            self._say(f"  fetched {_safe(name)} [dim]{done_bytes / 1e6:.1f} MB[/]")
        elif began and not self._is_live:
            self._say(f"  fetching {_safe(name)}")

    def note(self, text: str) -> None:
        """Anything else worth a line."""
        self._say(f"  {_safe(text)}")

    def _say(self, markup: str) -> None:
        if self._is_live:
            self._console.print(markup)
            return
        clock = time.strftime("%H:%M:%S", time.gmtime())
        elapsed = f"{time.monotonic() - self._began:+8.1f}s"
        self._console.print(f"{clock} {elapsed}  {markup}")

    def _picture(self) -> RenderableType:
        parts: list[RenderableType] = [self._headline()]
        if self._nodes:
            parts.append(_nodes_line(dict(self._nodes)))
        for (name, target), says in list(self._faults.items()):
            parts.append(Text(f"  ▲ {clean(name)} on {clean(target)}: {clean(says)}", "yellow"))
        for name, (done, total) in list(self._transfers.items())[:4]:
            of = "" if total is None else f" of {total / 1e6:.1f}"
            parts.append(Text(f"  ↓ {clean(name)} {done / 1e6:.1f}{of} MB", "dim"))
        return Group(*parts)

    def _headline(self) -> RenderableType:
        now = time.monotonic()
        text = Text(no_wrap=True, overflow="ellipsis")
        if self._scenario is not None:
            name, number, total = self._scenario
            text.append(f"[{number}/{total}] {clean(name)} ", "bold")
        if self._phase is not None:
            text.append(f"{clean(self._phase)} ", "cyan")
            text.append(f"{now - self._phase_began:.1f} s ")
        text.append(f"(all {now - self._began:.0f} s)", "dim")
        grid = Table.grid(padding=(0, 1))
        grid.add_row(self._spinner, text)
        return grid


def _ended(verdict: str, as_expected: bool) -> tuple[Cell, str]:
    """How a scenario's end is shown: its cell, and the verdict in words."""
    if not Verdict(verdict).decided:
        return Cell.UNDECIDED, verdict
    if not as_expected:
        return Cell.UNEXPECTED, verdict
    return (Cell.AS_EXPECTED, verdict) if verdict == "PASS" else (Cell.CAUGHT, "control caught")


def _nodes_line(nodes: dict[str, str]) -> Text:
    line = Text("  ")
    for name, state in nodes.items():
        ready = state in _READY_STATES
        line.append("● " if ready else "○ ", "green" if ready else "yellow")
        line.append(clean(name))
        if not ready:
            line.append(f" {clean(state)}", "dim")
        line.append("  ")
    return line


def summary(results: JsonObject, run_dir: Path, console: Console | None = None) -> None:
    """Print what a run came to: matrix, sentence, how to reproduce what was unexpected."""
    console = console or Console(highlight=False, soft_wrap=True)
    run = load(run_dir, results)
    console.print()
    console.print(_matrix(run, console))
    console.print(_legend(run), "\n")
    styles: dict[int | None, str] = {0: "bold green", 2: "bold yellow"}
    style = styles.get(run.exit_code, "bold red")
    console.print(Text.assemble((f"{outcome(run.exit_code)}: ", style), clean(run.sentence)))
    for stored in run.scenarios:
        if cell_of(stored) in (Cell.UNEXPECTED, Cell.UNDECIDED):
            name = f"{stored.scenario.pattern} × {stored.scenario.fault}"
            console.print(Text(f"\n{cell_of(stored).mark} {clean(name)}: {clean(stored.reason)}"))
            console.print(Text(f"  {clean(reproduce(run, stored.scenario))}", "cyan"))
    for risk in risks_of(run):
        console.print(_risk(risk))
    console.print()
    took = ", ".join(f"{k.removesuffix('_s')} {seconds(v)}" for k, v in run.timings.items())
    for label, told in (
        ("peak memory", memory(run.peak_memory_mib)),
        ("timings", took),
        ("report", str(Path(run.place) / "report.html")),
        ("check again", shlex.join(["aftershock", "check", run.place])),
    ):
        if told:
            console.print(Text.assemble((f"{label:<12}", "dim"), clean(told)))


def _risk(risk: Risk) -> Text:
    """One hazard; it stands below the verdicts, which it does not change."""
    where = f"{risk.pattern} × {', '.join(risk.faults)}"
    told = f": {clean(risk.first.summary)} "
    return Text.assemble(
        ("\n▲ hazard ", "yellow"), clean(risk.first.rule), told, (f"({clean(where)})", "dim")
    )


def _matrix(run: StoredRun, console: Console) -> Table:
    """Faults downwards, patterns across: fault names are the long ones. Where that is too wide for
    the terminal, a line a pattern and fault."""
    matrix = matrix_of(run)
    grid = _headed(run)
    grid.add_column("fault", style="bold", overflow="fold")
    for pattern in matrix.patterns:
        grid.add_column(Text(clean(pattern)), overflow="fold")
    for fault, row in zip(matrix.faults, zip(*matrix.cells, strict=True), strict=True):
        grid.add_row(Text(clean(fault)), *(_cell(cell) for cell in row))
    if console.measure(grid, options=console.options.update_width(10_000)).maximum <= console.width:
        return grid
    lines = _headed(run)
    for name in ("pattern", "fault", "outcome"):
        lines.add_column(name, style="bold" if name == "pattern" else "", overflow="fold")
    for cells in matrix.cells:
        taken = [cell for cell in cells if cell.says is not None]
        for place, cell in enumerate(taken):
            first = Text("" if place else clean(cell.pattern))
            lines.add_row(first, Text(clean(cell.fault)), _cell(cell))
        lines.add_section()
    return lines


def _headed(run: StoredRun) -> Table:
    return Table(title=f"{clean(run.suite)}, seed {run.seed}", title_justify="left")


def _cell(cell: MatrixCell) -> Text:
    if cell.says is None:
        return Text("")
    return Text(f"{cell.cell.mark} {cell.says}", _STYLES[cell.cell])


def _legend(run: StoredRun) -> Text:
    counted = [cell.cell for row in matrix_of(run).cells for cell in row if cell.says is not None]
    parts = [f"{cell.mark} {counted.count(cell)} {cell.says}" for cell in Cell if cell in counted]
    ops = sum(ops.ok + ops.fail + ops.info for ops in (s.record.ops for s in run.scenarios))
    return Text(" · ".join([*parts, plural(ops, "operation")]), "dim")


def _safe(text: str) -> str:
    return escape(clean(text))
