"""The gate: looks for one armed point, and makes the world stand still when it comes.

    armed → (the effect's request comes) → closed: every link of the gated nodes is held
        before: the request is held
        after:  the request goes on, and its answer is awaited and held
        after, where the server is the one that is gated: it must work to answer, so its links go
                on until the answer comes, and are held in that turn
    → what else of those nodes is under way gets its answer, held too → told → open

Matching and closing happen in the turn of the loop in which the request's last byte was read, so
that nothing that the process does afterwards can get out.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from harness.model.address import Address
from harness.model.cut import Reached, Trigger, When
from harness.model.effect import Effect, Outcome
from harness.model.frame import Frame
from harness.tap.flow import Flow
from harness.tap.relay import Relay

ANSWER_TIMEOUT_S = 5.0
"""How long the answer to the effect's request is awaited before it is told without one."""
SETTLE_TIMEOUT_S = 1.0
"""How long the answers to other requests that are under way are awaited."""

_TELL = (b"S\0\0\0\4", b"H\0\0\0\4")
"""PostgreSQL's Sync and Flush: what came of an Execute is told when one of them has come."""


class _State(Enum):
    OPEN = "open"
    ARMED = "armed"
    AWAITING = "awaiting the answer"
    SETTLING = "settling"
    STANDING = "standing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """The effect that was waited for, on its connection."""

    relay: Relay
    effect: Effect
    address: Address
    earlier: int
    doubtful: int
    request: bytes
    """The message that asks for it; empty where its beginning had gone on already."""
    request_end: int
    """Where it ends in what the client sent."""
    others: Mapping[tuple[str, ...], int]


@dataclass(slots=True, kw_only=True)
class _Point:
    """What is armed, and what was met."""

    trigger: Trigger
    gated: frozenset[str]
    seen: int
    """Effects so far that the address covers."""
    again: set[str] = field(default_factory=set)
    """Addresses of those that it was asked about."""
    met: Met | None = None
    outcome: Outcome = Outcome.REQUESTED
    answer: tuple[int, int] | None = None
    """Where the answer lies in what the server sent."""
    works_on: bool = False
    """The gated node is to answer first, and nothing is held but what follows the request."""
    timers: list[asyncio.TimerHandle] = field(default_factory=list)
    armed_at: float = field(default_factory=time.monotonic)

    def covers(self, address: Address) -> bool:
        """Whether the trigger's address does, and the effect's key counts by now."""
        trigger = self.trigger
        if not trigger.address.covers(address):
            return False
        passed = address.key in trigger.passed
        return not passed or time.monotonic() - self.armed_at >= trigger.passed_s

    def is_meant(self, address: Address) -> bool:
        """Whether this effect, which the trigger's address covers, is the one. A request that says
        again what an earlier one said has its address, and is no other effect."""
        asked = self.trigger.address
        if asked.is_exact:
            return address.occurrence == asked.occurrence
        if address.text not in self.again:
            self.again.add(address.text)
            self.seen += 1
        return asked.occurrence in {None, self.seen}

    def concerns(self, relay: Relay) -> bool:
        """Whether the connection stands still with it."""
        gated = not self.gated.isdisjoint((relay.link.client, relay.link.server))
        return gated or (self.met is not None and self.met.relay is relay)


class Gate:
    """One point at a time over all relays."""

    def __init__(
        self,
        *,
        relays: Callable[[], Iterable[Relay]],
        count: Callable[[Address], int],
        earlier: Callable[[Effect, Address], tuple[int, int]],
        others: Callable[[Effect, Address], Mapping[tuple[str, ...], int]],
        is_done: Callable[[Effect], bool],
        tell: Callable[[Reached], None],
        note: Callable[[Relay, str, str], None],
    ) -> None:
        self._relays = relays
        self._count = count
        self._earlier = earlier
        self._others = others
        self._is_done = is_done
        self._tell = tell
        self._note = note
        self._state = _State.OPEN
        self._point: _Point | None = None

    @property
    def is_aimed(self) -> bool:
        """Whether a point is armed, or was met and the world stands still."""
        return self._point is not None

    @property
    def met(self) -> Met | None:
        """What was met, None before."""
        return self._point.met if self._point is not None else None

    @property
    def answer(self) -> tuple[int, int] | None:
        """Where the answer that is held lies in what the server sent; None: there is none."""
        return self._point.answer if self._point is not None else None

    def arm(self, trigger: Trigger, gated: Iterable[str]) -> bool:
        """Look for it from now on. False: an exact occurrence that has already been."""
        self.open()
        seen = self._count(trigger.address)
        wanted = trigger.address.occurrence
        if wanted is not None and seen >= wanted:
            return False
        self._point = _Point(trigger=trigger, gated=frozenset(gated), seen=seen)
        self._state = _State.ARMED
        for relay in self._relays():
            self.made(relay)
        return True

    def made(self, relay: Relay) -> None:
        """A connection that is there now: it may be aimed at, or have to stand still."""
        point = self._point
        if point is None:
            return
        if point.met is not None:
            if point.concerns(relay) and not point.works_on:
                relay.hold()
        elif _may_carry(point.trigger.address, relay):
            relay.aim()

    def open(self) -> None:
        """Disarm, and let everything go on. Idempotent."""
        point, self._point, self._state = self._point, None, _State.OPEN
        if point is None:
            return
        for timer in point.timers:
            timer.cancel()
        for relay in tuple(self._relays()):
            relay.strict = False
            if relay.held or relay.up.limit is not None:
                relay.free()
            else:
                for flow in (relay.up, relay.down):
                    relay.advance(flow)
                relay.proceed()

    def saw(self, relay: Relay, flow: Flow, frames: Sequence[Frame]) -> None:
        """Frames that have just been read on a connection that is not on the fast way."""
        point = self._point
        if point is None:
            return
        if self._state is _State.AWAITING:
            self._let_tell(point)
        if not frames:
            return
        if point.met is None:
            if flow is relay.up and relay.strict:
                self._look(point, relay, frames)
        else:
            if self._state is _State.AWAITING and relay is point.met.relay:
                self._answered(point, point.met.effect, frames)
            self._settle()

    def gone(self) -> None:
        """A connection has ended: there may be nothing left to wait for."""
        self._settle()

    def _look(self, point: _Point, relay: Relay, frames: Sequence[Frame]) -> None:
        for frame in frames:
            effect = frame.effect
            if effect is None or frame.outcome is not Outcome.REQUESTED:
                continue
            address = next((a for a in effect.addresses if point.covers(a)), None)
            if address is None or self._is_done(effect):
                # A retry of what is there already has neither a before nor an after.
                continue
            if point.is_meant(address):
                earlier, doubtful = self._earlier(effect, address)
                point.met = Met(
                    relay=relay,
                    effect=effect,
                    address=address,
                    earlier=earlier,
                    doubtful=doubtful,
                    request=relay.up.message(frame.first, frame.end),
                    request_end=frame.end,
                    others=self._others(effect, address),
                )
                self._close(point, point.met, frame)
                return

    def _close(self, point: _Point, met: Met, frame: Frame) -> None:
        self._note(met.relay, "gate", f"{point.trigger.when.value} {met.address.text}")
        up = met.relay.up
        if point.trigger.when is When.BEFORE:
            self._hold(point)
            up.limit = max(frame.first, up.sent)
            self._begin_settling(point)
            return
        if met.effect.client in point.gated or not met.effect.is_answered:
            self._hold(point)
            up.limit = frame.end
        else:
            up.limit, point.works_on = frame.end, True
        if not met.effect.is_answered:
            self._begin_settling(point)
            return
        self._state = _State.AWAITING
        self._let_tell(point)
        loop = asyncio.get_running_loop()
        point.timers.append(loop.call_later(ANSWER_TIMEOUT_S, self._unanswered, point))

    def _let_tell(self, point: _Point) -> None:
        """Let the message go on that has the server tell its answer, where it is the next one."""
        met = point.met
        if met is None or met.relay.link.protocol != "postgres":
            return
        up, end = met.relay.up, met.request_end
        if up.limit == end and up.message(end, end + len(_TELL[0])) in _TELL:
            up.limit = end + len(_TELL[0])

    def _hold(self, point: _Point) -> None:
        point.works_on = False
        for relay in self._relays():
            if point.concerns(relay):
                relay.hold()

    def _unanswered(self, point: _Point) -> None:
        if point.works_on:
            self._hold(point)
        self._begin_settling(point)

    def _answered(self, point: _Point, effect: Effect, frames: Sequence[Frame]) -> None:
        for frame in frames:
            same = frame.effect is not None and frame.effect.number == effect.number
            if same and frame.outcome in {Outcome.ACKNOWLEDGED, Outcome.FAILED}:
                if point.works_on and point.met is not None:
                    self._hold(point)
                    down = point.met.relay.down
                    down.limit = max(frame.first, down.sent)
                point.outcome = frame.outcome
                point.answer = (frame.first, frame.end)
                self._begin_settling(point)
                return

    def _begin_settling(self, point: _Point) -> None:
        if self._state in {_State.SETTLING, _State.STANDING} or self._point is not point:
            return
        self._state = _State.SETTLING
        loop = asyncio.get_running_loop()
        # Not within this turn: what may go on has not gone on yet.
        point.timers.append(loop.call_later(0, self._settle))
        point.timers.append(loop.call_later(SETTLE_TIMEOUT_S, self._stand))

    def _settle(self) -> None:
        point = self._point
        if point is None or point.met is None:
            return
        if self._state is _State.AWAITING:
            if point.met.relay.is_closed:
                self._begin_settling(point)
        elif self._state is _State.SETTLING and not any(
            effect.client in point.gated for effect in self._under_way(point.met)
        ):
            # What others have asked of the gated nodes may never be answered: they stand still.
            self._stand()

    def _under_way(self, met: Met) -> tuple[Effect, ...]:
        return tuple(
            effect
            for relay in self._relays()
            if relay.held
            for effect in relay.unanswered()
            if effect.number != met.effect.number
        )

    def _stand(self) -> None:
        point = self._point
        if self._state is not _State.SETTLING or point is None or point.met is None:
            return
        self._state = _State.STANDING
        for timer in point.timers:
            timer.cancel()
        held = [relay for relay in self._relays() if relay.held]
        self._tell(
            Reached(
                effect=point.met.effect,
                address=point.met.address,
                when=point.trigger.when,
                outcome=point.outcome,
                earlier=point.met.earlier,
                doubtful=point.met.doubtful,
                others=point.met.others,
                unanswered=self._under_way(point.met),
                held_bytes=sum(len(r.up.kept) + len(r.down.kept) for r in held),
                gated=tuple(sorted(point.gated)),
            )
        )


def _may_carry(address: Address, relay: Relay) -> bool:
    return address.client in {"*", relay.link.client} and address.server in {
        "*", relay.link.server
    }  # fmt: skip
