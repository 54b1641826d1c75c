"""The gate over relays that are fed by hand: what is looked at, and what then stands still."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from harness.model.address import Address
from harness.model.cut import Reached, Trigger, When
from harness.model.effect import Outcome
from harness.model.frame import FROM_CLIENT, Frame
from harness.protocols import WireProtocol
from harness.tap.relay import Link, Relay
from harness.tap.station import Station
from harness.trace.tracer import Tracer
from tests.harness.trace.links import Broker

CAPTURES = Path(__file__).parents[1] / "wire" / "captures"
COMMIT = Address.parse("order/order-db/commit")


class Leg(asyncio.Transport):
    """A socket that only remembers what it was given."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("198.18.0.10", 40000)})
        self.got = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.got += data

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass

    def write_eof(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def conversation(client: str = "psycopg-transactions") -> list[tuple[str, bytes]]:
    """psycopg's, with several commits, or another client's."""
    text = (CAPTURES / f"postgres-{client}.txt").read_text(encoding="ascii")
    return [(line[0], bytes.fromhex(line[2:])) for line in text.splitlines()]


def connected(
    station: Station, client: str, server: str, protocol: WireProtocol = "postgres"
) -> tuple[Relay, Leg, Leg]:
    link = Link(
        client=client, server=server, listen="", address="", port=0, protocol=protocol
    )  # fmt: skip
    relay = Relay(station, link, len(station.relays) + 1)
    station.relays.add(relay)
    ours, theirs = Leg(), Leg()
    relay.up.source, relay.down.source = ours, theirs
    relay.up.sink, relay.down.sink = theirs, ours
    relay.local = ("198.18.0.10", 40000)
    station.gate.made(relay)
    relay.proceed()
    return relay, ours, theirs


def run(test: Callable[[Station, list[Reached]], Awaitable[None]]) -> None:
    async def main() -> None:
        told: list[Reached] = []
        station = Station(told.append)
        station.begin(Path("/dev/null"), frozenset({"order_id"}), 0)
        try:
            await test(station, told)
        finally:
            station.end()

    uvloop.run(main())


def play(relay: Relay) -> None:
    for side, data in conversation():
        (relay.up if side == ">" else relay.down).data_received(data)


def test_without_a_point_everything_goes_on_at_once() -> None:
    async def test(station: Station, told: list[Reached]) -> None:
        relay, ours, theirs = connected(station, "order", "order-db")
        play(relay)
        assert relay.fast
        station.drain()
        assert bytes(theirs.got) == b"".join(d for s, d in conversation() if s == ">")
        assert bytes(ours.got) == b"".join(d for s, d in conversation() if s == "<")
        assert station.tracer.count(COMMIT) > 1
        assert told == []

    run(test)


def test_aimed_at_without_being_met_everything_goes_on_too() -> None:
    async def test(station: Station, told: list[Reached]) -> None:
        never = Address.parse("order/order-db/commit(nothing)")
        station.gate.arm(Trigger(when=When.BEFORE, address=never), ["order"])
        relay, _, theirs = connected(station, "order", "order-db")
        assert not relay.fast
        play(relay)
        assert bytes(theirs.got) == b"".join(d for s, d in conversation() if s == ">")
        assert told == []
        station.gate.open()
        assert relay.fast

    run(test)


def test_met_the_request_and_all_links_of_the_node_are_held_in_that_turn() -> None:
    async def test(station: Station, told: list[Reached]) -> None:
        relay, _, theirs = connected(station, "order", "order-db")
        own, _, _ = connected(station, "order", "kafka-1")
        incoming, _, _ = connected(station, "client", "order")
        other, _, _ = connected(station, "relay", "order-db")
        station.gate.arm(Trigger(when=When.BEFORE, address=COMMIT), ["order"])
        for side, data in conversation():
            (relay.up if side == ">" else relay.down).data_received(data)
            if relay.held:
                break
        assert own.held
        assert incoming.held
        assert not other.held
        assert relay.up.kept
        sent = bytes(theirs.got)
        assert relay.up.sent == len(sent)
        await asyncio.sleep(0.01)
        (reached,) = told
        assert reached.outcome is Outcome.REQUESTED
        assert reached.effect.addresses[0] == reached.address
        late, _, _ = connected(station, "order", "order-db")
        assert late.held
        station.gate.open()
        assert bytes(theirs.got) == sent + data[-(len(theirs.got) - len(sent)) :]
        assert not any(each.held for each in (relay, own, incoming, late))

    run(test)


def test_the_answer_is_awaited_and_kept() -> None:
    async def test(station: Station, told: list[Reached]) -> None:
        relay, ours, _ = connected(station, "order", "order-db")
        station.gate.arm(Trigger(when=When.AFTER, address=COMMIT), ["order"])
        chunks = iter(conversation())
        for side, data in chunks:
            (relay.up if side == ">" else relay.down).data_received(data)
            if relay.held:
                break
        await asyncio.sleep(0.01)
        assert told == []
        before = bytes(ours.got)
        side, data = next(chunks)
        assert side == "<"
        relay.down.data_received(data)
        await asyncio.sleep(0.01)
        (reached,) = told
        assert reached.outcome is Outcome.ACKNOWLEDGED
        assert bytes(ours.got) == before
        station.gate.open()
        assert bytes(ours.got) == before + data

    run(test)


class Said(Broker):
    """Keeps what both sides said."""

    def __init__(self) -> None:
        self.chunks: list[tuple[str, bytes]] = []
        super().__init__(Tracer(frozenset()), "order")

    def _fed(self, direction: str, data: bytes) -> list[Frame]:
        self.chunks.append((direction, data))
        return super()._fed(direction, data)


@pytest.mark.parametrize("when", When)
def test_a_retry_of_what_is_there_is_passed_over(when: When) -> None:
    """Its answer was lost, and its producer says it again: the next effect is another one."""
    said = Said()
    for key, sequence in (("17", 0), ("17", 0), ("18", 1)):
        said.produce("order.events", key, producer=(4000, 0, sequence))
        said.produced("order.events", sequence)

    async def test(station: Station, told: list[Reached]) -> None:
        relay, ours, theirs = connected(station, "order", "kafka-1", "kafka")
        for place, (side, data) in enumerate(said.chunks):
            if place == 2:
                point = Address.parse("order/kafka-1/produce(order.events)")
                station.gate.arm(Trigger(when=when, address=point), ["order"])
            (relay.up if side == FROM_CLIENT else relay.down).data_received(data)
        await asyncio.sleep(0.01)
        assert [reached.address.key for reached in told] == ["18"]
        passed = 2 if when is When.BEFORE else 3
        asked = [data for side, data in said.chunks if side == FROM_CLIENT]
        assert bytes(theirs.got) == b"".join(asked[:passed])
        assert len(ours.got) == 2 * len(said.chunks[1][1])

    run(test)


@pytest.mark.parametrize(("passed_s", "met"), [(60.0, "18"), (0.0, "17")])
def test_keys_that_were_asked_for_earlier_are_left_out_for_a_while(
    passed_s: float, met: str
) -> None:
    said = Said()
    for sequence, key in enumerate(("17", "18")):
        said.produce("order.events", key, producer=(4000, 0, sequence))
        said.produced("order.events", sequence)

    async def test(station: Station, told: list[Reached]) -> None:
        relay, _, _ = connected(station, "order", "kafka-1", "kafka")
        trigger = Trigger(
            when=When.AFTER,
            address=Address.parse("order/kafka-1/produce(order.events)"),
            passed=frozenset({"16", "17"}),
            passed_s=passed_s,
        )
        station.gate.arm(trigger, ["order"])
        for side, data in said.chunks:
            (relay.up if side == FROM_CLIENT else relay.down).data_received(data)
        await asyncio.sleep(0.01)
        assert [reached.address.key for reached in told] == [met]

    run(test)


SYNC = b"S\0\0\0\4"


@pytest.mark.parametrize("sizes", [(), (1,)], ids=["as sent", "a byte at a time"])
def test_what_has_the_server_tell_its_answer_goes_on_with_the_request(
    sizes: tuple[int, ...],
) -> None:
    """JDBC's COMMIT is an Execute, whose answer PostgreSQL keeps until the Sync behind it."""

    async def test(station: Station, told: list[Reached]) -> None:
        relay, _, theirs = connected(station, "order", "order-db")
        station.gate.arm(Trigger(when=When.AFTER, address=COMMIT), ["order"])
        chunks = iter(conversation("pgjdbc"))
        for side, data in chunks:
            flow = relay.up if side == ">" else relay.down
            for piece in [data] if not sizes else [data[i : i + 1] for i in range(len(data))]:
                flow.data_received(piece)
            if relay.held:
                break
        assert bytes(theirs.got).endswith(b"E\0\0\0\x09\0\0\0\0\1" + SYNC)
        assert not relay.up.kept
        relay.up.data_received(SYNC)
        assert relay.up.kept == SYNC
        relay.down.data_received(next(chunks)[1])
        await asyncio.sleep(0.01)
        assert [reached.outcome for reached in told] == [Outcome.ACKNOWLEDGED]

    run(test)


def test_a_server_that_is_gated_works_until_it_has_answered() -> None:
    async def test(station: Station, told: list[Reached]) -> None:
        relay, ours, _ = connected(station, "order", "order-db")
        own, _, _ = connected(station, "order-db", "elsewhere")
        station.gate.arm(Trigger(when=When.AFTER, address=COMMIT), ["order-db"])
        chunks = iter(conversation())
        for side, data in chunks:
            (relay.up if side == ">" else relay.down).data_received(data)
            if relay.up.limit is not None:
                break
        later = b"Q\0\0\0\x0dSELECT 1\0"
        relay.up.data_received(later)
        assert (bytes(relay.up.kept), own.held) == (later, False)
        before = bytes(ours.got)
        _, data = next(chunks)
        relay.down.data_received(data)
        assert own.held
        assert bytes(ours.got) == before
        await asyncio.sleep(0.01)
        (reached,) = told
        assert reached.outcome is Outcome.ACKNOWLEDGED
        station.gate.open()
        assert bytes(ours.got) == before + data

    run(test)
