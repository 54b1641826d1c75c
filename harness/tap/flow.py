"""The bytes of one direction of a connection: in at one leg, out at the other."""

import asyncio
from typing import TYPE_CHECKING, cast

from harness.model.frame import FROM_CLIENT
from harness.tap.bulk import ENOUGH, LARGE, Bulk

if TYPE_CHECKING:
    from harness.tap.relay import Relay

_MOST_KEPT = 4 << 20
"""Bytes of a flow that are held before its sender is made to wait."""
_HIGH = 1 << 16
"""Bytes that are unsent when a sender is made to wait."""


class Flow(asyncio.Protocol):
    """The bytes of one direction: comes in on `source`, goes out on the other flow's source."""

    __slots__ = (
        "_blocked", "_large", "bulk", "direction", "ended", "fed", "finished", "is_up", "kept", "limit",
        "read_to", "relay", "sent", "sink", "source", "tail",
    )  # fmt: skip

    def __init__(self, relay: "Relay", direction: str) -> None:
        self.relay = relay
        self.direction = direction
        self.is_up = direction == FROM_CLIENT
        self.source: asyncio.Transport | None = None
        self.sink: asyncio.Transport | None = None
        self.fed = 0
        """Bytes that came in."""
        self.sent = 0
        """Bytes that went on."""
        self.read_to = 0
        """Bytes that the parser has had."""
        self.limit: int | None = None
        """Held: nothing goes on past this."""
        self.kept = bytearray()
        """What came in and has not gone on."""
        self.tail: bytes | None = b""
        """The beginning of a message that is not whole yet, None where it is too long."""
        self.ended = False
        """The sender has sent its last byte."""
        self.finished = False
        """The receiver knows."""
        self.bulk: Bulk | None = None
        """Who reads and writes for it where large pieces come."""
        self._blocked: set[str] = set()
        self._large = 0
        """Pieces in a row."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.source = cast("asyncio.Transport", transport)
        self.relay.leg_made(self, self.source)

    def data_received(self, data: bytes) -> None:
        size = len(data)
        self.fed += size
        relay = self.relay
        if relay.fast:
            self.sent += size
            self.sink.write(data)  # type: ignore[union-attr] # fast: both legs are there
            relay.station.backlog.add(self, data)
            if size >= LARGE:
                self._came_large()
            elif self._large:
                self._come_small()
        else:
            relay.careful(self, data)

    def eof_received(self) -> bool:
        self.ended = True
        self.relay.ended(self)
        return True  # the other direction goes on

    def pause_writing(self) -> None:
        self.relay.other(self).block("back-pressure")

    def resume_writing(self) -> None:
        self.relay.other(self).unblock("back-pressure")

    def connection_lost(self, exc: Exception | None) -> None:
        self.source = None
        self.relay.lost(self, exc)

    def _came_large(self) -> None:
        self._large += 1
        if self._large == ENOUGH and self.sink is not None:
            # Told to go on when all is sent, not earlier: that is when it can begin.
            self.sink.set_write_buffer_limits(high=_HIGH, low=0)
        self._begin_bulk()

    def _come_small(self) -> None:
        if self._large >= ENOUGH and self.sink is not None:
            self.sink.set_write_buffer_limits(high=_HIGH)
        self._large = 0

    def _begin_bulk(self) -> None:
        """If large pieces come, and nothing stands against it now."""
        if self._large < ENOUGH or self._blocked or not self.relay.fast:
            return
        source, sink = self.source, self.sink
        if source is None or sink is None or source.is_closing() or sink.is_closing():
            return
        if not sink.get_write_buffer_size():
            try:
                self.bulk = Bulk(self, source, sink)
            except OSError:  # it goes on as it came
                self._come_small()

    def come_usually(self) -> None:
        """Large pieces have come to an end, or there is another reason."""
        self._come_small()
        if not self._blocked and self.source is not None and not self.source.is_closing():
            self.source.resume_reading()

    def block(self, why: str) -> None:
        """Read no more from the sender."""
        if not self._blocked and self.source is not None:
            self.source.pause_reading()
        self._blocked.add(why)

    def unblock(self, why: str) -> None:
        """Read on, unless there is another reason not to."""
        if why in self._blocked:
            self._blocked.discard(why)
            if not self._blocked and self.source is not None and not self.source.is_closing():
                self.source.resume_reading()
                self._begin_bulk()

    def push(self, upto: int) -> None:
        """Send on what is kept, as far as byte `upto` of the flow."""
        count = min(upto, self.fed) - self.sent
        if count > 0 and self.sink is not None:
            chunk = bytes(self.kept[:count])
            del self.kept[:count]
            self.sent += count
            self.sink.write(chunk)
        if len(self.kept) < _MOST_KEPT:
            self.unblock("held")
        else:
            self.block("held")
        if self.ended and not self.finished and not self.kept and self.limit is None:
            self.finish()

    def message(self, first: int, end: int) -> bytes:
        """These bytes of the flow, as far as they are kept; empty where the first are not."""
        return bytes(self.kept[first - self.sent : end - self.sent]) if first >= self.sent else b""

    def instead(self, first: int, end: int, told: bytes) -> None:
        """Send on what comes before `first`, then `told` in the stead of the bytes up to `end`."""
        self.push(first)
        del self.kept[: end - self.sent]
        self.sent = end
        if self.limit is not None:
            self.limit = end
        if self.sink is not None and told:
            self.sink.write(told)

    def finish(self) -> None:
        """Tell the receiver that no more comes."""
        self.finished = True
        if self.sink is not None and not self.sink.is_closing():
            self.sink.write_eof()

    def drop(self) -> None:
        """Forget what is kept."""
        self.sent += len(self.kept)
        self.kept.clear()
