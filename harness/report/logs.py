"""Excerpts of the nodes' logs: what each printed around the moments that matter.

A line's time is read where it carries one (ISO-like; without a zone it is taken as UTC); a line
without belongs to the line before it. Where no line has a time, the ends of the logs are shown.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.report.words import cut

AROUND_S = 2.0
_READ_BYTES = 4_000_000
_LONGEST_LINE = 300
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,6})\d*)?\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)?"
)
_LOUD = re.compile(r"\b(ERROR|FATAL|PANIC|CRITICAL|SEVERE|Traceback)\b|Exception\b")
_WARNING = re.compile(r"\bWARN(ING)?\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A printed line. `at_s`: on the scenario's clock, None where it carries no time."""

    node: str
    at_s: float | None
    text: str
    level: str
    """`error`, `warning`, `harness` (a separator of ours), `moment` (no line of a log, but what
    happened then) or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Lines of all nodes in the order of time, and how they were chosen."""

    lines: tuple[LogLine, ...]
    says: str


def excerpt(
    logs: Sequence[Path],
    epoch_s: float | None,
    moments: Sequence[tuple[float, str]],
    most_lines: int,
) -> Excerpt:
    """The lines within ±2 s of the moments (time and what happened), which stand among them; at
    most `most_lines`, each node its share."""
    share = max(most_lines // max(len(logs), 1), 3)
    read = {path: _lines(path, epoch_s) for path in logs}
    times = [at_s for at_s, _ in moments]
    near = [line for lines in read.values() for line in _near(lines, times, share)]
    if near:
        near += [
            LogLine(node="", at_s=at_s, text=cut(says, _LONGEST_LINE), level="moment")
            for at_s, says in moments
        ]
        near.sort(key=lambda line: line.at_s or 0.0)
        return Excerpt(lines=tuple(near), says=f"lines within {AROUND_S:g} s of what happened")
    tails = [line for lines in read.values() for line in lines[-min(share, 12) :]]
    return Excerpt(lines=tuple(tails), says="the ends of the logs (no line there at that moment)")


def _near(lines: Sequence[LogLine], moments: Sequence[float], most: int) -> list[LogLine]:
    """At most so many lines close to a moment, the loudest and then the closest, in order."""
    loudness = {"error": 0, "harness": 0, "warning": 1}
    close = []
    for place, line in enumerate(lines):
        if line.at_s is not None and moments:
            away = min(abs(line.at_s - moment) for moment in moments)
            if away <= AROUND_S:
                close.append((loudness.get(line.level, 2), away, place))
    return [lines[place] for place in sorted(place for *_, place in sorted(close)[:most])]


def _lines(path: Path, epoch_s: float | None) -> list[LogLine]:
    at_s: float | None = None
    found = []
    for text in _tail(path):
        at_s = _time(text, epoch_s) or at_s
        if text.strip():
            shown = cut(text.rstrip(), _LONGEST_LINE)
            found.append(LogLine(node=path.stem, at_s=at_s, text=shown, level=_level(text)))
    return found


def _tail(path: Path) -> Iterable[str]:
    """The file's last lines, without the torn first one."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _READ_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ()
    lines = text.split("\n")
    return lines[1:] if size > _READ_BYTES else lines


def _time(text: str, epoch_s: float | None) -> float | None:
    match = _TIME.search(text, 0, 80)
    if match is None or epoch_s is None:
        return None
    day, clock, fraction, zone = match.groups()
    zone = "+00:00" if zone in {None, "Z", "UTC", "GMT"} else zone
    try:
        at = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0'):0<6}{zone}")
    except ValueError:
        return None
    return at.timestamp() - epoch_s


def _level(text: str) -> str:
    if text.startswith("=== aftershock"):
        return "harness"
    if _LOUD.search(text):
        return "error"
    return "warning" if _WARNING.search(text) else ""
