"""A sequence diagram as geometry: lanes, arrows, pauses and strikes with their places.

Time runs down. What follows at once stands close, what takes a little longer further apart, and a
long silence is cut out and marked with its length. Where a fault struck, its node's lane is dead
until the node is back.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from harness.model.cut import When
from harness.report.blow import Blow
from harness.report.wire import Message, Shape
from harness.report.words import clean, cut, moment, plural, seconds

LEFT = 86.0
"""Room for the clock."""
_TOP, _BOTTOM, _RIGHT = 54.0, 18.0, 26.0
_ROW, _MOST_SPREAD, _STRIKE_ROW = 25.0, 16.0, 42.0
_GAPS = (128.0, 232.0)
"""How far lanes stand apart, at least and at most."""
_WIDTH = 1180.0
_CHARACTER = 6.1
_SILENCE_S = 0.05
_AFTERWARDS_S = 0.2
_JUST_BEFORE_S = 1e-6
_LONGEST_LABEL = 46


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A node's life line."""

    name: str
    role: str
    x: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """One message. `css` is its class; it ends at x2, before its receiver where it was held."""

    css: str
    x1: float
    x2: float
    y: float
    label: str
    note: str
    says: str
    crossed: bool
    label_x: float
    label_at_end: bool
    """Whether the label ends at `label_x` instead of beginning there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A silence that was cut out."""

    y: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault: its bolt on each lane it struck, and the dead time below."""

    y: float
    xs: tuple[float, ...]
    is_link: bool
    until_y: float
    is_back: bool
    name: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A time in the margin: of the scenario's clock, or since the row before."""

    y: float
    label: str
    is_clock: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """Everything to draw for one key."""

    key: str
    width: float
    height: float
    bottom: float
    lanes: tuple[Lane, ...]
    arrows: tuple[Arrow, ...]
    pauses: tuple[Pause, ...]
    strikes: tuple[Strike, ...]
    ticks: tuple[Tick, ...]
    ending: str
    """What never came, below all."""
    hidden: int
    """Messages that are not drawn."""
    title: str
    desc: str


def diagram_of(
    key: str,
    messages: Sequence[Message],
    *,
    blows: Sequence[Blow] = (),
    roles: dict[str, str] | None = None,
    ending: str = "",
    most: int = 80,
) -> Diagram:
    """Lay out one key's messages. At least one message, and at most `most` are drawn."""
    kept, hidden = _kept(messages, most)
    drawing = _Drawing(lanes_of(kept, blows, roles or {}))
    for step in _steps(kept, blows):
        drawing.add(step)
    bottom = drawing.end()
    title = f"Key {cut(key, 60)} on the wire"
    return Diagram(
        key=key,
        width=drawing.width,
        height=bottom + _BOTTOM + (24.0 if ending else 0.0),
        bottom=bottom,
        lanes=drawing.lanes,
        arrows=tuple(drawing.arrows),
        pauses=tuple(drawing.pauses),
        strikes=tuple(drawing.strikes),
        ticks=tuple(drawing.ticks),
        ending=clean(ending),
        hidden=hidden,
        title=title,
        desc=_told(kept, drawing.strikes, ending, hidden),
    )


def lanes_of(
    messages: Iterable[Message], blows: Iterable[Blow], roles: dict[str, str]
) -> tuple[Lane, ...]:
    """In the order in which the key comes to the nodes; a server that only one of them talks to
    stands beside it."""
    names: dict[str, set[str]] = {}
    for message in messages:
        names.setdefault(message.sender, set())
        names.setdefault(message.receiver, set())
        names[message.server].add(message.client)
    alone = {name: next(iter(clients)) for name, clients in names.items() if len(clients) == 1}
    ordered = [name for name in names if name not in alone]
    for server, client in alone.items():
        beside = [n for n, name in enumerate(ordered) if client in {name, alone.get(name)}]
        ordered.insert(beside[-1] + 1 if beside else len(ordered), server)
    ordered += [n for blow in blows if blow.address for n in blow.nodes if n not in ordered]
    gap = min(max((_WIDTH - LEFT) / max(len(ordered), 1), _GAPS[0]), _GAPS[1])
    return tuple(
        Lane(name=name, role=roles.get(name, ""), x=LEFT + gap * (n + 0.5))
        for n, name in enumerate(dict.fromkeys(ordered))
    )


def _kept(messages: Sequence[Message], most: int) -> tuple[tuple[Message, ...], int]:
    """All, or, of too many, the effects and their answers; of too many of these the first and the
    last ones."""
    kept = list(messages)
    if len(kept) > most:
        kept = [m for m in kept if m.shape is not Shape.CONTEXT]
    if len(kept) > most:
        kept = [*kept[: most - most // 3], *kept[len(kept) - most // 3 :]]
    return tuple(kept), len(messages) - len(kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One row: a message, a blow, or a node that is back."""

    at_s: float
    message: Message | None = None
    held: bool = False
    blow: Blow | None = None
    back: Blow | None = None


def _steps(messages: Sequence[Message], blows: Sequence[Blow]) -> list[_Step]:
    steps = [_Step(at_s=m.at_s, message=m) for m in messages]
    for blow in blows:
        place = _struck(steps, blow)
        if place is not None:
            held = steps[place]
            steps[place] = _Step(at_s=held.at_s, message=held.message, held=blow.loses)
            steps.insert(place + 1, _Step(at_s=held.at_s, blow=blow))
        elif _meets(blow, messages):
            _insert(steps, _Step(at_s=blow.at_s, blow=blow))
        if (back_s := _back_s(steps, blow)) is not None:
            _insert(steps, _Step(at_s=back_s, back=blow))
    return steps


def _back_s(steps: Sequence[_Step], blow: Blow) -> float | None:
    """When it was over: a node that sends something is there again, whenever that was proved."""
    struck = next((n for n, step in enumerate(steps) if step.blow is blow), None)
    if struck is None:
        return None
    sent = (
        step.at_s - _JUST_BEFORE_S
        for step in steps[struck + 1 :]
        if step.message is not None and step.message.sender in blow.nodes and not blow.is_link
    )
    return min((s for s in (next(sent, None), blow.until_s) if s is not None), default=None)


def _meets(blow: Blow, messages: Sequence[Message]) -> bool:
    """Whether it was there while the key was under way, or just after, so that it may be why
    nothing followed."""
    first, last = messages[0].at_s, messages[-1].at_s
    return blow.at_s <= last + _AFTERWARDS_S and (blow.until_s is None or blow.until_s >= first)


def _struck(steps: Sequence[_Step], blow: Blow) -> int | None:
    """The message that the gate held: the request before, the answer after. Where nothing
    answers, the request."""
    if not blow.address:
        return None
    found = [
        (n, step.message)
        for n, step in enumerate(steps)
        if step.message is not None and step.message.address == blow.address
    ]
    answers = [n for n, m in found if m.shape is Shape.ANSWER]
    requests = [n for n, m in found if m.shape is Shape.REQUEST]
    wanted = requests if blow.when is When.BEFORE else answers or requests
    return wanted[0] if wanted else None


def _insert(steps: list[_Step], step: _Step) -> None:
    place = next((n for n, s in enumerate(steps) if s.at_s > step.at_s), len(steps))
    steps.insert(place, step)


@dataclass(slots=True)
class _Drawing:
    """Rows from the top to the bottom."""

    lanes: tuple[Lane, ...]
    y: float = _TOP
    arrows: list[Arrow] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    strikes: list[Strike] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    _before_s: float | None = None
    _open: dict[Blow, int] = field(default_factory=dict)

    @property
    def width(self) -> float:
        gap = self.lanes[1].x - self.lanes[0].x if len(self.lanes) > 1 else _GAPS[1]
        return self.lanes[-1].x + gap / 2 + _RIGHT

    def add(self, step: _Step) -> None:
        """One row more."""
        if step.blow is not None and not self._xs(step.blow):
            return
        if step.back is not None and step.back not in self._open:
            return
        self._advance(step.at_s, _STRIKE_ROW if step.blow is not None else _ROW)
        if step.message is not None:
            self.arrows.append(self._arrow(step.message, held=step.held))
        elif step.blow is not None:
            self._strike(step.blow)
        elif step.back is not None:
            self._close(self._open.pop(step.back), is_back=True)

    def end(self) -> float:
        """Close what is open; returns where the life lines end."""
        self.y += _ROW * 0.7
        for place in self._open.values():
            self._close(place, is_back=False)
        self._open.clear()
        return self.y

    def _advance(self, at_s: float, row: float) -> None:
        before_s, self._before_s = self._before_s, at_s
        since_s = 0.0 if before_s is None else at_s - before_s
        if since_s > _SILENCE_S:
            self.y += row + 14.0
            self.pauses.append(Pause(y=self.y - 12.0, label=seconds(since_s)))
            self.y += row * 0.75
        else:
            self.y += row + min(since_s * 1000 * 0.9, _MOST_SPREAD)
        is_clock = before_s is None or since_s > _SILENCE_S
        label = moment(at_s) if is_clock else f"+{since_s * 1000:.1f} ms"
        if is_clock or since_s >= 0.00005:
            self.ticks.append(Tick(y=self.y, label=label, is_clock=is_clock))

    def _arrow(self, message: Message, *, held: bool) -> Arrow:
        x1, x2 = self._x(message.sender), self._x(message.receiver)
        crossed = held or message.is_failed or message.is_unanswered
        note = message.note
        if held:
            x2 = x1 + (x2 - x1) * 0.55
            note = f"{note}, never delivered" if note else "never delivered"
        elif message.is_unanswered:
            note = f"{note}, never answered" if note else "never answered"
        label = cut_label(message.label)
        left, right = min(x1, x2), max(x1, x2)
        needs = (len(label) + len(note) + 2) * _CHARACTER
        at_end = left + 7 + needs > self.width - 4
        return Arrow(
            css=f"{message.shape.value}{' lost' if crossed else ''}",
            x1=x1,
            x2=x2,
            y=self.y,
            label=label,
            note=note,
            says=f"{moment(message.at_s)}: {message.says}" + (", never delivered" if held else ""),
            crossed=crossed,
            label_x=right - 7 if at_end else left + 7,
            label_at_end=at_end,
        )

    def _strike(self, blow: Blow) -> None:
        if blow.lasts:
            self._open[blow] = len(self.strikes)
        where = f"on {', '.join(blow.nodes)}" if blow.nodes else ""
        self.strikes.append(
            Strike(
                y=self.y - 6.0,
                xs=self._xs(blow),
                is_link=blow.is_link,
                until_y=self.y - 6.0,
                is_back=False,
                name=cut(blow.name.split(":")[0], 60),
                says=clean(f"{blow.name} {where} at {moment(blow.at_s)}"),
            )
        )

    def _close(self, place: int, *, is_back: bool) -> None:
        self.strikes[place] = replace(self.strikes[place], until_y=self.y, is_back=is_back)

    def _x(self, name: str) -> float:
        return next(lane.x for lane in self.lanes if lane.name == name)

    def _xs(self, blow: Blow) -> tuple[float, ...]:
        """The lanes it struck; of a link, the middle between its ends."""
        xs = tuple(lane.x for lane in self.lanes if lane.name in blow.nodes)
        if not blow.is_link:
            return xs
        return (sum(xs) / 2,) if len(xs) == 2 else ()


def cut_label(label: str) -> str:
    """Short enough to stand on an arrow; nothing of a commit but its tables where it is long."""
    if len(label) <= _LONGEST_LABEL:
        return label
    label = re.sub(r":(insert|update|delete|truncate)\b", "", label)
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def _told(messages: Sequence[Message], strikes: Sequence[Strike], ending: str, hidden: int) -> str:
    """The diagram in words, for those who do not see it."""
    first = messages[0].at_s
    parts = [f"{plural(len(messages), 'message')} from {moment(first)} on."]
    parts += [f"{moment(m.at_s)} {m.says}." for m in messages[:60]]
    parts += [f"The fault: {strike.says}." for strike in strikes]
    parts += [f"{plural(hidden, 'message')} not drawn."] if hidden else []
    return clean(" ".join([*parts, *([f"{ending}."] if ending else [])]))
