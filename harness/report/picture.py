"""What a timeline consists of: lanes, bands, bars and marks with their places.

What is placed in time keeps its times, so that a script in the page may zoom.
"""

from dataclasses import dataclass

WIDTH, LEFT, RIGHT = 1200.0, 138.0, 14.0
PLOT = WIDTH - LEFT - RIGHT
UNITS_PER_S = 100.0
"""Paths are drawn in hundredths of a second and stretched to the view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A horizontal strip with its name in the left margin."""

    name: str
    role: str
    y: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A span of time over some height. `kind` is its CSS class."""

    kind: str
    start_s: float
    end_s: float
    y: float
    height: float
    label: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An operation or a trace. Operations last until `end_s`; `kind` gives shape and colour."""

    kind: str
    start_s: float
    end_s: float
    y: float
    key: str | None
    says: str
    is_wanted: bool
    """Whether it belongs to a key of a violation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A horizontal line of a panel with its value in the margin."""

    y: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line of the axis of time."""

    at_s: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything to draw. `view` is what is seen at first, `full` all that there is."""

    height: float
    bottom: float
    """Where lanes and panels end and the axis begins."""
    full: tuple[float, float]
    view: tuple[float, float]
    lanes: tuple[Lane, ...]
    phases: tuple[Band, ...]
    windows: tuple[Band, ...]
    marks: tuple[Mark, ...]
    rules: tuple[Rule, ...]
    ticks: tuple[Tick, ...]
    paths: tuple[tuple[str, str], ...]
    """(CSS class, SVG path in UNITS_PER_S) of the panels."""
    bars: tuple[Band, ...]
    """Of the panels."""
    panels: tuple[Lane, ...]

    def x(self, at_s: float) -> float:
        """Where a time is in the first view."""
        start, end = self.view
        return LEFT + (at_s - start) / (end - start) * PLOT

    def has_room(self, at_s: float) -> bool:
        """Whether a label at that time fits between the edges."""
        return LEFT + 14 < self.x(at_s) < LEFT + PLOT - 14

    @property
    def stretch(self) -> str:
        """The transform that puts a path into the first view."""
        start, end = self.view
        scale = PLOT / (end - start) / UNITS_PER_S
        return f"translate({LEFT - start * UNITS_PER_S * scale:.3f} 0) scale({scale:.6f} 1)"
