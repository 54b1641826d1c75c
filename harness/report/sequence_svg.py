"""A sequence diagram drawn as SVG: a pure function of its geometry.

No styles and no scripts in it: classes are those of report.css, everything foreign is escaped, and
each kind of arrow has a shape of its own, so that it can be read without colour.
"""

import html
from collections.abc import Iterator

from harness.report.sequence import LEFT, Arrow, Diagram, Lane, Pause, Strike
from harness.report.words import clean

_HEAD = 40.0
_BOLT = "M3-17-9 3h7l-4 14 13-19H0l6-15z"
_DEAD_W, _DEAD_LINK_W = 22.0, 8.0


def svg(diagram: Diagram, anchor: str) -> str:
    """The drawing. `anchor` makes its ids unique in the page."""
    return "\n".join(_parts(diagram, _safe(anchor)))


def _parts(d: Diagram, anchor: str) -> Iterator[str]:
    yield (
        f'<svg class="seq" viewBox="0 0 {d.width:.0f} {d.height:.0f}" width="{d.width:.0f}" '
        f'height="{d.height:.0f}" role="img" aria-labelledby="{anchor}.t {anchor}.d">'
    )
    yield f'<title id="{anchor}.t">{_safe(d.title)}</title>'
    yield f'<desc id="{anchor}.d">{_safe(d.desc)}</desc>'
    yield from (_lane(lane, d) for lane in d.lanes)
    yield from (_dead(strike) for strike in d.strikes)
    yield from (_pause(pause, d) for pause in d.pauses)
    yield from (_blow(strike, d) for strike in d.strikes)
    yield from (_arrow(arrow) for arrow in d.arrows)
    for tick in d.ticks:
        css = "clock" if tick.is_clock else "since"
        yield _text(LEFT - 10, tick.y + 4, tick.label, css, "end")
    if d.ending:
        middle = (d.lanes[0].x + d.lanes[-1].x) / 2
        yield _text(middle, d.bottom + 26, f"✗ {d.ending}", "ending", "middle")
    yield "</svg>"


def _lane(lane: Lane, d: Diagram) -> str:
    width = max(len(lane.name) * 7.4 + 22, 74.0)
    box = (
        f'<rect class="node" x="{lane.x - width / 2:.1f}" y="4" width="{width:.1f}" '
        f'height="{_HEAD - 4:.0f}" rx="6"/>'
    )
    y = 20 if lane.role else 26
    name = _text(lane.x, y, lane.name, "name", "middle")
    role = _text(lane.x, 33, lane.role, "role", "middle") if lane.role else ""
    return (
        f'<path class="life" d="M{lane.x:.1f} {_HEAD:.0f}V{d.bottom:.1f}"/>{box}{name}{role}'
        f'<path class="life end" d="M{lane.x - 7:.1f} {d.bottom:.1f}h14"/>'
    )


def _dead(strike: Strike) -> str:
    """The time in which the node, or the link, was not there."""
    height, width = strike.until_y - strike.y, _width(strike)
    if height <= 0:
        return ""
    return "".join(
        f'<rect class="dead" x="{x - width / 2:.1f}" y="{strike.y:.1f}" width="{width:.0f}" '
        f'height="{height:.1f}"/>'
        for x in strike.xs
    )


def _blow(strike: Strike, d: Diagram) -> str:
    first, last = strike.xs[0], strike.xs[-1]
    at_end = last > d.width * 0.68
    label_x = first - 20 if at_end else last + 20
    bolts = "".join(
        f'<path class="bolt" transform="translate({x:.1f} {strike.y:.1f})" d="{_BOLT}"/>'
        for x in strike.xs
    )
    line = f'<path class="strike" d="M{LEFT:.0f} {strike.y:.1f}H{d.width - 8:.0f}"/>'
    label = _text(label_x, strike.y - 6, strike.name, "fault", "end" if at_end else "start")
    back = "".join(_back(strike, x) for x in strike.xs) if strike.is_back else ""
    return f"<g><title>{_safe(strike.says)}</title>{line}{bolts}{label}{back}</g>"


def _back(strike: Strike, x: float) -> str:
    width = _width(strike)
    line = f'<path class="back" d="M{x - width / 2:.1f} {strike.until_y:.1f}h{width:.0f}"/>'
    return line + _text(x + width / 2 + 5, strike.until_y + 4, "is back", "since", "start")


def _width(strike: Strike) -> float:
    return _DEAD_LINK_W if strike.is_link else _DEAD_W


def _pause(pause: Pause, d: Diagram) -> str:
    """A jag in every life line, and how long nothing passed."""
    y = pause.y
    jags = "".join(
        f'<path class="gap" d="M{lane.x:.1f} {y - 9:.1f}v18"/>'
        f'<path class="jag" d="M{lane.x - 7:.1f} {y - 2:.1f}l14-5M{lane.x - 7:.1f} {y + 6:.1f}l14-5"/>'
        for lane in d.lanes
    )
    return f'<g class="pause">{jags}{_text(LEFT - 10, y + 4, f"{pause.label} later", "silence", "end")}</g>'


def _arrow(arrow: Arrow) -> str:
    way = 1.0 if arrow.x2 > arrow.x1 else -1.0
    end = arrow.x2 - way * 2
    y = arrow.y
    head = f"M{end:.1f} {y:.1f}l{-9 * way:.0f}-4.5v9z"
    if "request" not in arrow.css:
        head = f"M{end - 8 * way:.1f} {y - 4:.1f}l{8 * way:.0f} 4 {-8 * way:.0f} 4"
    cross = ""
    if arrow.crossed:
        cross = f'<path class="cross" d="M{end - 5:.1f} {y - 5:.1f}l10 10m0-10-10 10"/>'
        head = ""
    note = f' <tspan class="note">{_safe(arrow.note)}</tspan>' if arrow.note else ""
    anchor = "end" if arrow.label_at_end else "start"
    return (
        f'<g class="arrow {arrow.css}"><title>{_safe(arrow.says)}</title>'
        f'<text x="{arrow.label_x:.1f}" y="{y - 6:.1f}" text-anchor="{anchor}">'
        f"{_safe(arrow.label)}{note}</text>"
        f'<path class="shaft" d="M{arrow.x1:.1f} {y:.1f}H{end:.1f}"/>'
        + (f'<path class="head" d="{head}"/>' if head else "")
        + f"{cross}</g>"
    )


def _text(x: float, y: float, text: str, css: str, anchor: str) -> str:
    return (
        f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_safe(text)}</text>'
    )


def _safe(text: str) -> str:
    return html.escape(clean(text))
