"""What is drawn over time below a timeline's lanes: latency, throughput, and what slots held back."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.report.picture import UNITS_PER_S, Band, Lane, Rule
from harness.report.recording import Bin, Operation, Recording
from harness.report.slots import SlotHistory
from harness.report.words import clean, cut, moment, seconds, size

_GAP, _LATENCY_H, _THROUGHPUT_H, _HELD_H = 12.0, 84.0, 44.0, 44.0
_LONGEST_NAME = 22
"""What has room in the margin."""

Paths = tuple[tuple[str, str], ...]
"""(CSS class, SVG path in UNITS_PER_S)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A strip with its lines and what is drawn in it, as paths or as bars."""

    lane: Lane
    rules: tuple[Rule, ...]
    paths: Paths = ()
    bars: tuple[Band, ...] = ()


def panels_of(recording: Recording, top: float) -> tuple[Panel, ...]:
    """One below the other; none for what was not recorded."""
    found: list[Panel] = []
    if recording.operations:
        latency = Lane(name="latency", role="log scale", y=top + _GAP, height=_LATENCY_H)
        rules, paths = _latency(recording.operations, latency)
        found.append(Panel(lane=latency, rules=rules, paths=paths))
        below = latency.y + latency.height + _GAP
        role = f"per {seconds(recording.bin_s)}"
        throughput = Lane(name="throughput", role=role, y=below, height=_THROUGHPUT_H)
        rules, paths = _throughput(recording, throughput)
        found.append(Panel(lane=throughput, rules=rules, paths=paths))
    for history in recording.slots:
        above = found[-1].lane.y + found[-1].lane.height if found else top
        found.append(_held(history, above + _GAP))
    return tuple(found)


def _held(history: SlotHistory, y: float) -> Panel:
    """What one slot held, as high as it was much; darker what its reader had not confirmed."""
    slot = clean(history.slot)
    name = slot if len(slot) <= _LONGEST_NAME else f"{slot[: _LONGEST_NAME - 1]}…"
    lane = Lane(name="log held", role=name, y=y, height=_HELD_H)
    return Panel(
        lane=lane,
        rules=(Rule(y=y, label=size(history.most)),) if history.most else (),
        bars=tuple(_bars_of_held(history, lane)),
    )


def _bars_of_held(history: SlotHistory, lane: Lane) -> Iterable[Band]:
    unit = lane.height / max(history.most, 1)
    whose = f"slot {cut(history.slot, 63)} of {cut(history.node, 63)}"
    for sample in history.samples:
        known = "" if sample.status in {"reserved", "extended"} else f", {clean(sample.status)}"
        nobody = "" if sample.is_read else ", nobody reads it"
        says = (
            f"{whose} at {moment(sample.start_s)}: {size(sample.held)} of log held,"
            f" {size(sample.unconfirmed)} not confirmed{nobody}{known}"
        )
        for kind, much in (("held", sample.held), ("unconfirmed", sample.unconfirmed)):
            height = max(min(much * unit, lane.height), 1.0)
            yield Band(
                kind=kind if sample.is_read else f"{kind} away",
                start_s=sample.start_s,
                end_s=sample.end_s,
                y=lane.y + lane.height - height,
                height=height,
                label="",
                says=says,
            )


def _latency(
    operations: Sequence[Operation], panel: Lane
) -> tuple[tuple[Rule, ...], tuple[tuple[str, str], ...]]:
    """Answers over time: a dot at the moment of the answer, as high as it took long."""
    ended = [op for op in operations if op.end_s is not None]
    if not ended:
        return (), ()
    took = [max((op.end_s or 0.0) - op.start_s, 1e-4) for op in ended]
    low = math.floor(math.log10(min(took)))
    high = max(math.ceil(math.log10(max(took))), low + 1)

    def y(duration_s: float) -> float:
        share = (math.log10(max(duration_s, 1e-4)) - low) / (high - low)
        return panel.y + panel.height - share * panel.height

    rules = tuple(Rule(y=y(10.0**n), label=_unit(10.0**n)) for n in range(low, high + 1))
    shapes = {"ok": "h0", "fail": "m-.01-3v6", "info": "v-7"}
    paths = []
    for outcome, shape in shapes.items():
        dots = [
            f"M{(op.end_s or 0.0) * UNITS_PER_S:.1f} {y(duration):.1f}{shape}"
            for op, duration in zip(ended, took, strict=True)
            if op.outcome == outcome
        ]
        paths.append((f"dots {outcome}", "".join(dots)))
    return rules, tuple(paths)


def _unit(duration_s: float) -> str:
    if duration_s >= 1:
        return f"{duration_s:g} s"
    return f"{duration_s * 1000:g} ms"


def _throughput(
    recording: Recording, panel: Lane
) -> tuple[tuple[Rule, ...], tuple[tuple[str, str], ...]]:
    """Answers per step of time, stacked: ok at the bottom, then unknown, then failed."""
    most = max((b.ok + b.fail + b.info for b in recording.bins), default=0)
    if most == 0:
        return (), ()
    unit = panel.height / most
    paths = []
    for outcome in ("ok", "info", "fail"):
        bars = "".join(_bar(b, outcome, recording.bin_s, panel, unit) for b in recording.bins)
        paths.append((f"bars {outcome}", bars))
    return (Rule(y=panel.y, label=f"{most:,}"),), tuple(paths)


def _bar(one: Bin, outcome: str, step: float, panel: Lane, unit: float) -> str:
    below = {"ok": 0, "info": one.ok, "fail": one.ok + one.info}[outcome]
    count = {"ok": one.ok, "info": one.info, "fail": one.fail}[outcome]
    if count == 0:
        return ""
    x, width = one.start_s * UNITS_PER_S, step * UNITS_PER_S * 0.86
    y = panel.y + panel.height - (below + count) * unit
    return f"M{x:.1f} {y:.1f}h{width:.1f}v{count * unit:.1f}h-{width:.1f}z"
