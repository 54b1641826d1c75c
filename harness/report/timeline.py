"""The timeline as geometry: lanes, bands, bars and marks with their places, ready to be drawn.

One picture per scenario, all on one axis of time: phases on top, a lane for the nemesis, one for
the clients, one per node, then the panels. Where a script in the page does not zoom, the picture
shows workload to quiet.
"""

import math
import re
from collections.abc import Iterable, Sequence

from harness.model.fault import FaultRecord
from harness.model.record import Phase
from harness.report.load import StoredScenario
from harness.report.panels import panels_of
from harness.report.picture import Band, Lane, Mark, Picture, Tick
from harness.report.recording import Operation, Recording, Trace
from harness.report.words import clean, cut, moment, seconds

_PHASES_H, _NEMESIS_H, _NODE_H, _ROW_H, _GAP = 24.0, 30.0, 22.0, 11.0, 6.0
_AXIS_H = 26.0
_MOST_CLIENT_ROWS = 10


def picture_of(stored: StoredScenario, recording: Recording) -> Picture:
    """Lay out one scenario."""
    full = _full(stored, recording)
    rows = _client_rows(recording.operations)
    lanes = _lanes(stored, max(rows.values(), default=0) + 1)
    by_name = {lane.name: lane for lane in lanes}
    bottom = lanes[-1].y + lanes[-1].height
    panels = panels_of(recording, bottom)
    view = _view(stored.record.phases, full)
    wanted = {key for violation in stored.violations for key in violation.keys}
    bottom_all = panels[-1].lane.y + panels[-1].lane.height if panels else bottom
    return Picture(
        height=bottom_all + _AXIS_H,
        bottom=bottom_all,
        full=full,
        view=view,
        lanes=lanes,
        phases=tuple(_phase(p, full) for p in stored.record.phases),
        windows=tuple(
            band
            for fault in stored.record.faults
            for band in _windows(fault, lanes, bottom_all, full[1])
        ),
        marks=(
            *_operations(recording, rows, by_name["clients"], full[1], wanted),
            *_traces(recording.traces, by_name, wanted),
        ),
        rules=tuple(rule for panel in panels for rule in panel.rules),
        ticks=ticks(view),
        paths=tuple(path for panel in panels for path in panel.paths),
        bars=tuple(bar for panel in panels for bar in panel.bars),
        panels=tuple(panel.lane for panel in panels),
    )


def ticks(view: tuple[float, float], most: int = 12) -> tuple[Tick, ...]:
    """Round moments in a view."""
    start, end = view
    wanted = (end - start) / most
    exponent = math.floor(math.log10(wanted))
    step = next(m * 10.0**exponent for m in (1, 2, 5, 10) if m * 10.0**exponent >= wanted * 0.999)
    digits = max(0, -math.floor(math.log10(step)))
    first = math.ceil(start / step)
    last = math.floor(end / step)
    return tuple(
        Tick(at_s=n * step, label=f"{n * step:.{digits}f} s") for n in range(first, last + 1)
    )


def _full(stored: StoredScenario, recording: Recording) -> tuple[float, float]:
    ends = [p.end_s or p.start_s for p in stored.record.phases]
    ends += [op.end_s or op.start_s for op in recording.operations]
    ends.append(stored.record.duration_s)
    starts = [0.0, *(op.start_s for op in recording.operations)]
    return min(starts), max(*ends, min(starts) + 0.1)


def _view(phases: Sequence[Phase], full: tuple[float, float]) -> tuple[float, float]:
    """From the workload to quiet, where these phases are known."""
    named = {p.name: p for p in phases}
    if "workload" not in named:
        return full
    start = named["workload"].start_s
    last = named.get("quiesce") or named.get("heal") or named["workload"]
    end = full[1] if last.end_s is None else last.end_s
    room = (end - start) * 0.02
    return max(full[0], start - room), max(min(full[1], end + room), start + 0.1)


def _lanes(stored: StoredScenario, client_rows: int) -> tuple[Lane, ...]:
    y = _PHASES_H + _GAP
    lanes = []
    named = [("nemesis", "", _NEMESIS_H), ("clients", "", client_rows * _ROW_H + 6)]
    named += [(node.name, node.role, _NODE_H) for node in stored.record.nodes]
    for name, role, height in named:
        lanes.append(Lane(name=name, role=role, y=y, height=height))
        y += height + (_GAP if not role else 0)
    return tuple(lanes)


def _client_rows(operations: Iterable[Operation]) -> dict[int, int]:
    """operation index → row: one row a process, or, where these are many, the first free row."""
    ordered = sorted(operations, key=lambda op: op.start_s)
    processes = sorted({op.process for op in ordered}, key=_by_number)
    if len(processes) <= _MOST_CLIENT_ROWS:
        return {op.index: processes.index(op.process) for op in ordered}
    free_at = [-math.inf] * _MOST_CLIENT_ROWS
    rows = {}
    for op in ordered:
        row = min(range(_MOST_CLIENT_ROWS), key=lambda n: (free_at[n] > op.start_s, n))
        if free_at[row] > op.start_s:
            row = min(range(_MOST_CLIENT_ROWS), key=free_at.__getitem__)
        rows[op.index] = row
        free_at[row] = op.start_s if op.end_s is None else op.end_s
    return rows


def _by_number(name: str) -> list[tuple[int, str]]:
    """A sorting key by which client-2 comes before client-10."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", name)]


def _phase(phase: Phase, full: tuple[float, float]) -> Band:
    end = full[1] if phase.end_s is None else phase.end_s
    took = f"{seconds(end - phase.start_s)}" if phase.end_s is not None else "never ended"
    return Band(
        kind="phase",
        start_s=phase.start_s,
        end_s=end,
        y=0.0,
        height=_PHASES_H - 4,
        label=clean(phase.name),
        says=f"phase {clean(phase.name)}: from {moment(phase.start_s)}, {took}",
    )


def _windows(
    fault: FaultRecord, lanes: Sequence[Lane], bottom: float, end_of_all: float
) -> Iterable[Band]:
    """A fault's shades: light over everything, strong on its target, its steps on the nemesis."""
    start = fault.proved_at if fault.proved_at is not None else fault.injected_at
    if start is None:
        return
    ends = (fault.recovered_at, fault.healed_at, end_of_all)
    end = next(at for at in ends if at is not None)
    kind = "proved" if fault.proved else "unproved"
    name = f"{clean(fault.name)} on {clean(fault.target)}"
    says = f"{name}, {kind}: {moment(start)} to {moment(end)} ({seconds(end - start)})"
    nemesis, first = lanes[0], lanes[0].y

    def band(css: str, a: float, b: float, y: float, height: float, label: str = "") -> Band:
        return Band(kind=css, start_s=a, end_s=b, y=y, height=height, label=label, says=says)

    yield band(f"window {kind}", start, end, first, bottom - first)
    for lane in lanes[1:]:
        if lane.name in targets(fault.target):
            yield band(f"target {kind}", start, end, lane.y, lane.height)
    if fault.injected_at is not None and fault.injected_at < start:
        yield band(f"step {kind}", fault.injected_at, start, nemesis.y + 4, nemesis.height - 8)
    healed = end if fault.healed_at is None else fault.healed_at
    yield band(f"act {kind}", start, healed, nemesis.y + 4, nemesis.height - 8, fault.name)
    if healed < end:
        yield band(f"step {kind}", healed, end, nemesis.y + 4, nemesis.height - 8)


def targets(target: str) -> set[str]:
    """The names in a fault's target: `order→kafka-1` is two nodes."""
    return {part for part in re.split(r"\s*(?:→|->|↔|,|\+|\s)\s*", target) if part}


def _operations(
    recording: Recording, rows: dict[int, int], lane: Lane, end_of_all: float, wanted: set[str]
) -> Iterable[Mark]:
    for op in recording.operations:
        yield Mark(
            kind=f"op {op.outcome}" + (" open" if op.end_s is None else ""),
            start_s=op.start_s,
            end_s=end_of_all if op.end_s is None else op.end_s,
            y=lane.y + 3 + (rows[op.index] + 0.5) * _ROW_H,
            key=op.key,
            says=_told(op),
            is_wanted=op.key in wanted,
        )


def _told(op: Operation) -> str:
    took = "no answer" if op.end_s is None else f"after {seconds(op.end_s - op.start_s)}"
    key = "" if op.key is None else f" {cut(op.key, 60)}"
    error = "" if not op.error else f": {cut(op.error, 160)}"
    what = {"ok": "ok", "fail": "failed", "info": "outcome unknown"}[op.outcome]
    return (
        f"{cut(op.f, 60)}{key} by {cut(op.process, 40)} at {moment(op.start_s)}, "
        f"{what} {took}{error}"
    )


def _traces(traces: Iterable[Trace], lanes: dict[str, Lane], wanted: set[str]) -> Iterable[Mark]:
    for trace in traces:
        lane = lanes.get(trace.node)
        if lane is not None:
            key = "" if trace.key is None else f" {cut(trace.key, 60)}"
            yield Mark(
                kind="trace",
                start_s=trace.at_s,
                end_s=trace.at_s,
                y=lane.middle,
                key=trace.key,
                says=f"{clean(trace.label)}{key} on {trace.node} at {moment(trace.at_s)}",
                is_wanted=trace.key in wanted,
            )
