"""An HTTP/1.1 connection as frames; a request that may change something is an effect."""

from harness.model.effect import Effect, EffectKind, Outcome
from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.trace.aliases import is_unique_id
from harness.trace.http_paths import HELD_BY, read_path
from harness.trace.ledger import Link
from harness.trace.link import DIRECTIONS, LONGEST_NAME, lost
from harness.trace.state import State
from harness.wire.http import HttpParser
from harness.wire.http_events import HttpAnswered, HttpRequested
from harness.wire.stream import LostSync

_MOST_EARLY = 64


class HttpReader:
    """One connection."""

    __slots__ = (
        "__weakref__",
        "_early",
        "_fed",
        "_link",
        "_lost",
        "_parser",
        "_requests",
        "_state",
    )

    def __init__(self, link: Link, state: State) -> None:
        self._link = link
        self._state = state
        self._parser = HttpParser()
        self._requests: dict[int, Effect] = {}
        """By where the request starts, those without an answer."""
        self._early: dict[int, int] = {}
        """Answers that came before their request had ended."""
        self._fed = {FROM_CLIENT: 0, FROM_SERVER: 0}
        self._lost: set[str] = set()

    def feed(self, direction: str, data: bytes) -> list[Frame]:
        self._fed[direction] += len(data)
        feed = self._parser.feed_client if direction == FROM_CLIENT else self._parser.feed_server
        frames: list[Frame] = []
        for event in feed(data):
            if isinstance(event, HttpRequested):
                frames.append(self._requested(event))
            elif isinstance(event, HttpAnswered):
                frames.append(self._answered(event))
            else:
                frames.append(self._on_loss(event))
        return frames

    def boundary(self, direction: str) -> int:
        if direction in self._lost:
            return self._fed[direction]
        return self._parser.boundary(DIRECTIONS[direction])

    def close(self, delivered: int | None = None) -> None:
        self._requests.clear()
        self._state.ledger.close(self._link, delivered)

    def forget(self) -> None:
        self._requests.clear()

    def _on_loss(self, event: LostSync) -> Frame:
        self._lost.add(event.direction.value)
        return lost(event)

    def _requested(self, event: HttpRequested) -> Frame:
        frame = Frame(
            direction=FROM_CLIENT,
            first=event.start,
            end=event.end,
            kind="http",
            name=f"{event.method} {event.path}"[:LONGEST_NAME],
        )
        correlation = _correlation(event)
        path = read_path(event.path, correlation)
        key = self._key(correlation, path.variable)
        frame.keys = (key,) if key else ()
        early = self._early.pop(event.start, None)
        if event.side_effect:
            detail = (f"{event.method}:{path.template}",)
            effect = self._state.ledger.ask(
                self._link, event.end, EffectKind.HTTP, detail, frame.keys
            )
            frame.effect, frame.outcome = effect, Outcome.REQUESTED
            if early is None:
                self._requests[event.start] = effect
            else:
                self._settle(effect, early)
        return frame

    def _key(self, correlation: str | None, variable: tuple[str, ...]) -> str | None:
        """A correlation id that was made for this request alone names nothing that stays."""
        found = correlation and self._state.aliases.key(correlation)
        if found:
            return found
        if correlation and not (len(variable) == 1 and is_unique_id(correlation)):
            return correlation
        if len(variable) != 1:
            return None
        return self._state.aliases.key(variable[0]) or variable[0]

    def _answered(self, event: HttpAnswered) -> Frame:
        frame = Frame(
            direction=FROM_SERVER,
            first=event.start,
            end=event.end,
            kind="http-answered",
            name=str(event.status),
        )
        if event.status >= 400:
            frame.error = str(event.status)
        if not event.final or event.request_start is None:
            return frame
        effect = self._requests.pop(event.request_start, None)
        if effect is not None:
            frame.effect, frame.keys = effect, effect.keys
            frame.outcome = self._settle(effect, event.status)
        elif len(self._early) < _MOST_EARLY and self._is_early(event.request_start):
            self._early[event.request_start] = event.status
        return frame

    def _is_early(self, request_start: int) -> bool:
        return request_start >= self._parser.boundary(DIRECTIONS[FROM_CLIENT])

    def _settle(self, effect: Effect, status: int) -> Outcome:
        """After a server error nobody knows whether it was done."""
        outcome = Outcome.ACKNOWLEDGED if status < 400 else Outcome.FAILED
        self._state.ledger.settle(effect, outcome, (None,) if status >= 500 else ())
        return outcome


def _correlation(event: HttpRequested) -> str | None:
    headers = dict(event.headers)
    return next((headers[name] for name in HELD_BY if headers.get(name)), None)
