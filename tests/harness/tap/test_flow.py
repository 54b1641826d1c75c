"""What a flow keeps, what it lets go on, and when it comes in bulk."""

import asyncio
from typing import Any, cast

import pytest

from harness.model.frame import FROM_CLIENT
from harness.tap.bulk import ENOUGH, LARGE
from harness.tap.flow import Flow
from tests.harness.tapped import connected, exactly, run


class Sink:
    """Remembers what was written."""

    def __init__(self) -> None:
        self.written = b""
        self.is_ended = False

    def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.is_ended = True

    def is_closing(self) -> bool:
        return False


@pytest.fixture
def held() -> tuple[Flow, Sink]:
    """A flow of which four bytes have gone on and six are kept."""
    sink = Sink()
    flow = Flow(cast("Any", None), FROM_CLIENT)
    flow.sink = cast("Any", sink)
    flow.fed, flow.sent, flow.limit = 10, 4, 4
    flow.kept += b"456789"
    return flow, sink


def test_no_more_goes_on_than_it_may(held: tuple[Flow, Sink]) -> None:
    """And what has gone on goes on once."""
    flow, sink = held
    for upto, written in ((4, b""), (6, b"45"), (5, b"45"), (100, b"456789")):
        flow.push(upto)
        assert sink.written == written
    assert (flow.sent, bytes(flow.kept)) == (10, b"")


def test_a_message_is_told_as_long_as_it_is_kept(held: tuple[Flow, Sink]) -> None:
    flow, _ = held
    assert [flow.message(4, 7), flow.message(8, 99), flow.message(3, 7)] == [b"456", b"89", b""]


def test_something_else_goes_on_in_the_stead_of_a_message(held: tuple[Flow, Sink]) -> None:
    """After what comes before it; what comes after it is still kept."""
    flow, sink = held
    flow.instead(5, 8, b"other")
    assert (sink.written, bytes(flow.kept), flow.sent, flow.limit) == (b"4other", b"89", 8, 8)
    flow.push(10)
    assert sink.written == b"4other89"


def test_the_receiver_is_told_of_the_end_after_the_last_byte(held: tuple[Flow, Sink]) -> None:
    flow, sink = held
    flow.ended = True
    flow.push(9)
    flow.limit = None
    told = [sink.is_ended]
    flow.push(10)
    told += [sink.is_ended, flow.finished]
    assert told == [False, True, True]


def test_a_few_large_pieces_do_not_begin_it() -> None:
    async def test() -> None:
        async with connected() as pair:
            (relay,) = pair.station.relays
            loop = asyncio.get_running_loop()
            for _ in range(3 * ENOUGH):
                for size in (LARGE * 2, 10):
                    await loop.sock_sendall(pair.client, bytes(size))
                    await exactly(pair.server, size)
                    assert relay.up.bulk is None

    run(test)
