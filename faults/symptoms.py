"""What shows that a link is healthy, or has its toxic: one measurement an ail.

Each is made on connections that go where the client's go; none asks Toxiproxy. What is healthy for
an ail is so far from what is ill that nothing passes for both: where the link's own ways are in
between, neither is shown.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import Protocol

from faults.toxic import SLICES_APART_US, Ail, Poison
from harness.model.fault import Probe
from harness.model.toxic import Ending, Heard
from harness.stage import Conversation

Greet = Callable[[float], Awaitable[Heard]]
"""A new connection's first question, given that many seconds."""

_ROUNDS = 8
_PATIENCE_S = 5.0
"""For what should come at once, on a busy machine."""
_RANGE = 0.4
"""Of the jitter: what eight draws from twice its width all but surely differ by (0.9999)."""
_SILENCE_S = 1.0
"""How long nothing must come where nothing is to come: a sound answer takes under 10 ms."""


_ANSWERS = 3
_SLICED_SHARE, _WHOLE_SHARE = 1 / 3, 1 / 5
"""Of an answer's bytes, those that come in slices. On a busy machine slices that are received late
come with the next ones; and a server may send a small piece by itself."""


class Symptom(Protocol):
    """Of one ail, on one link."""

    async def healthy(self, talk: Conversation) -> Probe:
        """Shown where the link has none of it. The conversation may end with that."""
        ...

    async def ill(self, talk: Conversation, greet: Greet) -> Probe:
        """Shown where it has, on this older connection and, as far as that shows, on new ones."""
        ...


class Late:
    """Latency: round trips."""

    def __init__(self, poison: Poison) -> None:
        self._least_s = (poison.amount - poison.jitter) / 1000
        self._most_s = (poison.amount + poison.jitter) / 1000
        self._jitter_s = poison.jitter / 1000

    async def healthy(self, talk: Conversation) -> Probe:
        # One that waited for a processor is not the link's; an ill link has no quick one.
        trips = [await self._trip(talk) for _ in range(_ROUNDS)]
        found = [t for t in trips if t is not None]
        return self._told(trips, shown=len(found) == _ROUNDS and median(found) < self._least_s)

    async def ill(self, talk: Conversation, greet: Greet) -> Probe:
        trips = [await self._trip(talk) for _ in range(_ROUNDS)]
        new = await greet(self._most_s + _PATIENCE_S)
        found = [t for t in (*trips, new.seconds if new.whole else None) if t is not None]
        late = len(found) == _ROUNDS + 1 and min(found) >= self._least_s
        shown = late and max(found) - min(found) >= _RANGE * self._jitter_s
        return self._told(trips, shown=shown, new=new)

    async def _trip(self, talk: Conversation) -> float | None:
        heard = await talk.ask(timeout_s=self._most_s + _PATIENCE_S)
        return heard.seconds if heard.whole else None

    def _told(self, trips: list[float | None], *, shown: bool, new: Heard | None = None) -> Probe:
        ms = [round(t * 1000, 1) for t in trips if t is not None]
        measured: dict[str, object] = {"round_trips_ms": ms}
        says = f"{len(ms)} of {len(trips)} round trips"
        if ms:
            measured["median_ms"] = round(median(ms), 1)
            says += f" of {min(ms):g} to {max(ms):g} ms"
        if new is not None:
            measured["new_connection_ms"] = _ms(new) if new.whole else None
            says += f", on a new connection {_ms(new):g} ms" if new.whole else ", no new one"
        return Probe(shown=shown, says=says, measured=measured)


class Slow:
    """Bandwidth: what is carried in a second, each way."""

    def __init__(self, poison: Poison) -> None:
        self._rate = poison.amount * 1000
        """Bytes a second."""

    async def healthy(self, talk: Conversation) -> Probe:
        # What a limit keeps from being carried is never carried: once is enough.
        for _ in range(_ANSWERS):
            up, down = await self._rates(talk)
            shown = min(up, down) > 2 * self._rate
            if shown or not down:
                break
        return self._told(up, down, shown=shown)

    async def ill(self, talk: Conversation, greet: Greet) -> Probe:  # noqa: ARG002
        up, down = await self._rates(talk)
        # A first burst goes at once, and a machine's clock has its grain.
        return self._told(up, down, shown=0 < up < 1.2 * self._rate and 0 < down < 1.2 * self._rate)

    async def _rates(self, talk: Conversation) -> tuple[float, float]:
        """Bytes a second, 0 where not all of the answer came. Half a second's worth each way."""
        volume = self._rate // 2
        up = await talk.ask(up=volume, timeout_s=_PATIENCE_S)
        if not up.whole:
            return 0.0, 0.0
        down = await talk.ask(down=volume, timeout_s=_PATIENCE_S)
        return up.sent / up.seconds, (down.received / down.seconds if down.whole else 0.0)

    def _told(self, up: float, down: float, *, shown: bool) -> Probe:
        kb_up, kb_down = round(up / 1000, 1), round(down / 1000, 1)
        return Probe(
            shown=shown,
            says=f"{kb_up:g} kB/s to the server, {kb_down:g} kB/s from it",
            measured={"up_kb_per_s": kb_up, "down_kb_per_s": kb_down},
        )


class Sliced:
    """Slicer: the sizes of what is received, and the time that they take together."""

    def __init__(self, poison: Poison) -> None:
        self._largest = poison.amount + poison.amount // 4
        self._wanted = 24 * self._largest

    async def healthy(self, talk: Conversation) -> Probe:
        heard = await talk.ask(down=self._wanted, timeout_s=_PATIENCE_S)
        return self._told(heard, shown=heard.whole and self._share(heard) < _WHOLE_SHARE)

    async def ill(self, talk: Conversation, greet: Greet) -> Probe:  # noqa: ARG002
        # Who is not given a processor for the time of an answer receives it at once; one answer in
        # slices is enough, since a healthy link has none.
        for _ in range(_ANSWERS):
            heard = await talk.ask(down=self._wanted, timeout_s=4 * _PATIENCE_S)
            shown = heard.whole and self._is_sliced(heard)
            if shown or not heard.whole:
                break
        return self._told(heard, shown=shown)

    def _is_sliced(self, heard: Heard) -> bool:
        takes_s = (heard.received / self._largest - 1) * SLICES_APART_US / 1e6
        return self._share(heard) > _SLICED_SHARE and heard.seconds >= takes_s

    def _share(self, heard: Heard) -> float:
        """Of the bytes, those in pieces that are no larger than slices."""
        in_slices = sum(piece for piece in heard.pieces if piece <= self._largest)
        return in_slices / heard.received

    def _told(self, heard: Heard, *, shown: bool) -> Probe:
        largest = max(heard.pieces, default=0)
        return Probe(
            shown=shown,
            says=f"{heard.received} bytes in {len(heard.pieces)} pieces of at most {largest} bytes "
            f"and {_ms(heard):g} ms{'' if heard.whole else ', not whole'}",
            measured={
                "bytes": heard.received,
                "pieces": len(heard.pieces),
                "largest_bytes": largest,
                "ms": _ms(heard),
            },
        )


class CutShort:
    """Limited data: how much comes before the end."""

    def __init__(self, poison: Poison) -> None:
        self._limit = poison.amount

    async def healthy(self, talk: Conversation) -> Probe:
        heard = await talk.ask(down=2 * self._limit, timeout_s=_PATIENCE_S)
        return self._told(heard, shown=heard.whole and heard.received > self._limit)

    async def ill(self, talk: Conversation, greet: Greet) -> Probe:  # noqa: ARG002
        heard = await talk.ask(down=2 * self._limit, timeout_s=_PATIENCE_S)
        # A reset may overtake what was sent before it.
        ended = heard.ending is Ending.CLOSED and heard.received == self._limit
        torn = heard.ending is Ending.RESET and heard.received <= self._limit
        return self._told(heard, shown=not heard.whole and (ended or torn))

    def _told(self, heard: Heard, *, shown: bool) -> Probe:
        return Probe(
            shown=shown,
            says=f"{heard.received} bytes came, and then {_end(heard)}",
            measured={"bytes": heard.received, "ending": _ending(heard)},
        )


class Reset:
    """Reset: how a new connection ends, and an old one."""

    def __init__(self, poison: Poison) -> None:
        self._patience_s = poison.amount / 1000 + _PATIENCE_S

    async def healthy(self, talk: Conversation) -> Probe:
        heard = await talk.ask(timeout_s=_PATIENCE_S)
        return Probe(
            shown=heard.whole, says=f"an answer came: {_word(heard.whole)}",
            measured={"answered": heard.whole, "ending": _ending(heard)},
        )  # fmt: skip

    async def ill(self, talk: Conversation, greet: Greet) -> Probe:
        new, old = await asyncio.gather(
            greet(self._patience_s), talk.ask(timeout_s=self._patience_s)
        )
        return Probe(
            # Toxiproxy resets what was made under the toxic; what was there before, it closes.
            shown=new.ending is Ending.RESET and not new.whole
            and old.ending is not None and not old.whole,
            says=f"a new connection: {_end(new)}; an old one: {_end(old)}",
            measured={
                "new": _ending(new), "old": _ending(old), "bytes": new.received + old.received,
                "new_ms": _ms(new),
            },
        )  # fmt: skip


class Silent:
    """Timeout: that nothing comes, and when the connection ends for it."""

    def __init__(self, poison: Poison) -> None:
        self._ends_s = poison.amount / 1000
        self._window_s = self._ends_s + _PATIENCE_S if poison.amount else _SILENCE_S

    async def healthy(self, talk: Conversation) -> Probe:
        heard = await talk.ask(timeout_s=_PATIENCE_S)
        return Probe(
            shown=heard.whole and heard.seconds < _SILENCE_S / 2,
            says=f"an answer came after {_ms(heard):g} ms: {_word(heard.whole)}",
            measured={"answered": heard.whole, "ms": _ms(heard)},
        )

    async def ill(self, talk: Conversation, greet: Greet) -> Probe:
        new, old = await asyncio.gather(greet(self._window_s), talk.ask(timeout_s=self._window_s))
        return Probe(
            shown=self._silent(new) and self._silent(old),
            says=f"{new.received + old.received} bytes came; a new connection: {_end(new)} after "
            f"{_ms(new):g} ms, an old one: {_end(old)} after {_ms(old):g} ms",
            measured={
                "bytes": new.received + old.received,
                "new": _ending(new), "new_ms": _ms(new), "old": _ending(old), "old_ms": _ms(old),
            },
        )  # fmt: skip

    def _silent(self, heard: Heard) -> bool:
        if heard.received:
            return False
        if not self._ends_s:
            return heard.ending is None
        # The silence began a little before the question.
        return heard.ending is not None and heard.seconds >= self._ends_s / 2


class Lingering:
    """Slow close: the time from the last word to the end."""

    def __init__(self, poison: Poison) -> None:
        self._delay_s = poison.amount / 1000

    async def healthy(self, talk: Conversation) -> Probe:
        heard = await talk.end(timeout_s=_PATIENCE_S)
        return self._told(heard, heard.ending is not None and heard.seconds < self._delay_s / 2)

    async def ill(self, talk: Conversation, greet: Greet) -> Probe:  # noqa: ARG002
        heard = await talk.end(timeout_s=2 * self._delay_s + _PATIENCE_S)
        return self._told(heard, heard.ending is not None and heard.seconds >= self._delay_s)

    def _told(self, heard: Heard, shown: bool) -> Probe:
        return Probe(
            shown=shown,
            says=f"a connection: {_end(heard)} {_ms(heard):g} ms after its last word",
            measured={"ending": _ending(heard), "ms": _ms(heard)},
        )


SYMPTOMS: Mapping[Ail, Callable[[Poison], Symptom]] = {
    Ail.LATENCY: Late,
    Ail.BANDWIDTH: Slow,
    Ail.SLICER: Sliced,
    Ail.LIMIT_DATA: CutShort,
    Ail.RESET_PEER: Reset,
    Ail.TIMEOUT: Silent,
    Ail.SLOW_CLOSE: Lingering,
}


def _ms(heard: Heard) -> float:
    return round(heard.seconds * 1000, 1)


def _ending(heard: Heard) -> str | None:
    return None if heard.ending is None else heard.ending.value


def _end(heard: Heard) -> str:
    return "no end" if heard.ending is None else heard.ending.value


def _word(yes: bool) -> str:
    return "yes" if yes else "no"
