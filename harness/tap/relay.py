"""One connection that passes the tap: two legs, two flows of bytes, and what is read of them.

As long as nobody aims at the connection its bytes are forwarded first and read afterwards, in the
order in which they came. Aimed at, they are read first, and a message goes on only when it is
whole. Held, nothing goes on past a limit. Bytes are never changed, ends and resets pass as they
come, and a side that reads slowly slows the other down.
"""

import asyncio
import socket
import struct
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from harness.model.effect import Effect, Outcome
from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.tap.flow import Flow

if TYPE_CHECKING:
    from harness.tap.station import Station

_LINGER_NOT = struct.pack("ii", 1, 0)
_LONGEST_MESSAGE = 1 << 20
"""Of a longer one all but the last byte goes on while it is still coming."""
_LONGEST_TAIL = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where the tap listens for a client, and where it dials. `client` as it is called in
    addresses."""

    client: str
    server: str
    listen: str
    address: str
    port: int
    protocol: str


class Relay:
    """A connection of `link`. `fast`: forwarded before it is read."""

    __slots__ = (
        "asked", "blind", "delivered", "down", "fast", "held", "is_closed", "link", "local", "number", "reader",
        "station", "strict", "up", "who",
    )  # fmt: skip

    def __init__(self, station: "Station", link: Link, number: int) -> None:
        self.station = station
        self.link = link
        self.number = number
        self.who = (link.client, link.server, number)
        self.up = Flow(self, FROM_CLIENT)
        self.down = Flow(self, FROM_SERVER)
        self.reader = station.tracer.open(link.client, link.server, number, link.protocol)
        self.asked: dict[int, tuple[Effect, int]] = {}
        """Effects without an answer, with the end of the message that asked for each."""
        self.fast = self.held = self.strict = self.is_closed = self.blind = False
        self.delivered: int | None = None
        """How much of what the client sent had gone on at the end."""
        self.local: tuple[str, int] | None = None
        """The tap's own end of the leg to the server, as the server sees it."""

    def other(self, flow: Flow) -> Flow:
        return self.down if flow is self.up else self.up

    # --- legs ---------------------------------------------------------------------------------

    def leg_made(self, flow: Flow, transport: asyncio.Transport) -> None:
        """A leg is connected: first the client's, then, dialled for it, the server's."""
        self.station.legs += 1
        if self.is_closed:  # while it was being dialled
            asyncio.get_running_loop().call_soon(transport.abort)
            return
        self.other(flow).sink = transport
        if flow is self.up:
            self.station.dial(self)
            return
        if self.local is None:
            name = transport.get_extra_info("sockname")
            self.local = (str(name[0]), int(name[1]))
        self.station.note(self, "open", f"{self.local[0]}:{self.local[1]}")
        self.proceed()
        for each in (self.up, self.down):
            self.advance(each)

    def ended(self, flow: Flow) -> None:
        if flow is self.up and self.down.source is None and not flow.kept:
            self.close(reset=False)  # gave up before the server had answered the dial
            return
        self.slow()
        self.advance(self.other(flow))
        self.advance(flow)
        self.proceed()
        if self.up.finished and self.down.finished:
            self.close(reset=False)

    def lost(self, flow: Flow, exc: Exception | None) -> None:
        """A leg is gone: the other one goes the same way, after what is still to be sent."""
        self.station.leg_lost()
        if self.is_closed:
            return
        flow.ended = True
        if self.held:
            # What the dead side had sent is still to be decided on: the gate's opening tells.
            self.other(flow).sink = None
            return
        self.close(reset=exc is not None)

    def close(self, *, reset: bool) -> None:
        """End both legs. `reset`: to both sides as a reset, without what is still unsent."""
        if self.is_closed:
            return
        for flow in (self.up, self.down):
            if flow.bulk is not None:
                flow.bulk.end()
                if not reset:
                    flow.push(flow.fed)
        self.is_closed, self.fast = True, False
        if self.station.gate.is_aimed:
            self.station.drain()  # what it waits for may have come on this connection
        if self.delivered is None:
            self.delivered = self.up.sent
        for flow in (self.up, self.down):
            if flow.source is None:
                continue
            if reset:
                reset_transport(flow.source)
            else:
                flow.source.close()
        self.station.closed(self, reset=reset)

    # --- bytes --------------------------------------------------------------------------------

    def proceed(self) -> None:
        """Take the fast way where nothing stands against it."""
        self.fast = (
            not (self.held or self.strict or self.is_closed)
            and self.up.sink is not None
            and self.down.sink is not None
            and not self.up.kept
            and not self.down.kept
        )

    def slow(self) -> None:
        """From now on what comes is read before it goes on."""
        self.fast = False
        for flow in (self.up, self.down):
            if flow.bulk is not None:
                flow.bulk.end()

    def aim(self) -> None:
        """From now on messages go on one by one, and only when they are whole."""
        self.strict = True
        was_bulk = self.up.bulk or self.down.bulk
        self.slow()
        if (
            was_bulk
        ):  # what has not gone on is in hand now, and goes on as far as messages are whole
            self.station.drain()
            for flow in (self.up, self.down):
                self.advance(flow)

    def careful(self, flow: Flow, data: bytes) -> None:
        """Read first, then forward what may go on."""
        self.station.drain()
        flow.kept += data
        frames = self.read(flow, data, time.monotonic_ns())
        self.station.saw(self, flow, frames)
        self.advance(flow)
        if not self.held:
            self.proceed()

    def advance(self, flow: Flow) -> None:
        """Send on as far as it may."""
        if flow.limit is not None:
            flow.push(flow.limit)
        elif not self.strict or flow.ended:
            flow.push(flow.fed)
        elif flow.fed - flow.sent > _LONGEST_MESSAGE:
            flow.push(flow.fed - 1)
        else:
            flow.push(self._boundary(flow))

    def read(self, flow: Flow, data: bytes, time_ns: int) -> Sequence[Frame]:
        """Feed the parser, and write down what it says."""
        base = flow.read_to
        flow.read_to = base + len(data)
        frames = self._fed(flow, data)
        if frames:
            self._spool(frames, base, data, flow.tail, time_ns)
        over = flow.read_to - self._boundary(flow)
        if over <= 0:
            flow.tail = b""
        elif over <= len(data):
            flow.tail = data[-over:]
        elif flow.tail is not None:
            flow.tail = flow.tail + data if over <= _LONGEST_TAIL else None
        return frames

    def _spool(
        self, frames: Sequence[Frame], base: int, data: bytes, tail: bytes | None, time_ns: int
    ) -> None:
        """Write frames down that end in `data`, the bytes of their flow from `base` on."""
        station = self.station
        most = station.payload_bytes
        for frame in frames:
            first, end = frame.first - base, frame.end - base
            message: bytes | None
            if first >= 0:
                message = data[first:end]
            elif tail is None or -first > len(tail):
                message = None  # its beginning is not in hand any more
            else:
                message = tail[first:] + data[:end]
            if message is None:
                station.spool.add(time_ns, self.who, frame, None, None)
            else:
                kept = message[:most] if most else None
                station.spool.add(time_ns, self.who, frame, crc32(message), kept)
            if frame.effect is not None:
                self._follow(frame, frame.effect)

    def _fed(self, flow: Flow, data: bytes) -> Sequence[Frame]:
        """What the parser says. One that raises has a bug, which must not keep bytes from going
        on: the connection is not read any more, and the trace says so."""
        if self.blind:
            return ()
        try:
            return self.reader.feed(flow.direction, data)
        except Exception as bug:  # noqa: BLE001
            traceback.print_exc()
            self.blind = True
            at = flow.read_to
            return [
                Frame(
                    direction=flow.direction, first=at, end=at, kind="lost-sync",
                    error=f"the parser failed: {bug!r}",
                )
            ]  # fmt: skip

    def _boundary(self, flow: Flow) -> int:
        return flow.read_to if self.blind else self.reader.boundary(flow.direction)

    def _follow(self, frame: Frame, effect: Effect) -> None:
        if frame.outcome is Outcome.REQUESTED:
            if effect.is_answered:
                self.asked[effect.number] = (effect, frame.end)
        elif frame.outcome is not None:
            self.asked.pop(effect.number, None)

    # --- held ---------------------------------------------------------------------------------

    def hold(self) -> None:
        """From now on nothing goes on, either way."""
        self.held = True
        self.slow()
        for flow in (self.up, self.down):
            flow.limit = flow.sent

    def free(self) -> None:
        """Let go on what was held."""
        if self.is_closed:
            return
        self.held = False
        for flow in (self.up, self.down):
            flow.limit = None
            flow.unblock("held")
            self.advance(flow)
        # A leg that went while it was held takes the other one with it now.
        if self.up.source is None or self.down.source is None:
            if self.up.sink is not None or self.down.sink is not None:
                self.close(reset=False)
            return
        if self.up.finished and self.down.finished:
            self.close(reset=False)
            return
        self.proceed()

    def drop(self) -> None:
        """Forget what is held both ways."""
        self.delivered = self.up.sent
        self.up.drop()
        self.down.drop()

    def unanswered(self) -> tuple[Effect, ...]:
        """Effects whose whole request has gone on and whose answer has not come."""
        return tuple(effect for effect, end in self.asked.values() if end <= self.up.sent)

    def never_sent(self) -> tuple[Effect, ...]:
        """Effects that were asked for and are held."""
        return tuple(effect for effect, end in self.asked.values() if end > self.up.sent)


def read(flow: Flow, data: bytes, time_ns: int) -> None:
    """Read bytes of a flow that have gone on."""
    flow.relay.read(flow, data, time_ns)


def reset_transport(transport: asyncio.Transport) -> None:
    """Close so that the other side gets a reset."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
