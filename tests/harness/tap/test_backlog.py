"""What was forwarded is read later, all of it, in its order, whatever becomes of the pieces."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tap.backlog import Backlog, affordable
from harness.tap.flow import Flow
from harness.tap.processors import Processors
from harness.tap.spill import Spill
from harness.testing import eventually

ONE, OTHER = (cast("Flow", name) for name in ("one", "other"))


class Reader:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.seen: list[tuple[object, bytes]] = []
        self.times: list[int] = []

    def __call__(self, flow: Flow, data: bytes, time_ns: int) -> None:
        self.seen.append((flow, data))
        self.times.append(time_ns)


class Never:
    """A loop in which no time comes: what waits stays, until somebody asks for it."""

    def call_later(self, *_: object) -> None:
        """Not yet."""

    call_soon = call_later


def waiting(reader: Reader, **how: Any) -> Backlog:
    """A backlog that nobody comes round to."""
    return Backlog(reader, cast("asyncio.AbstractEventLoop", Never()), **how)


def test_nothing_is_read_at_once_and_all_is_read_when_it_is_asked_for() -> None:
    """In the order in which it came, with the times at which it came."""
    reader = Reader()
    backlog = waiting(reader)
    backlog.add(ONE, b"a")
    backlog.add(OTHER, b"b")
    backlog.add(ONE, b"c")
    assert (reader.seen, len(backlog)) == ([], 3)
    backlog.drain()
    assert reader.seen == [(ONE, b"a"), (OTHER, b"b"), (ONE, b"c")]
    assert reader.times == sorted(reader.times)
    assert len(backlog) == 0


def test_what_is_to_be_done_after_it_is_done_in_its_place() -> None:
    """At once where nothing waits; else after what came before and before what comes later."""
    reader, done = Reader(), []
    backlog = waiting(reader)
    backlog.after(lambda: done.append("at once"))
    assert done == ["at once"]
    backlog.add(ONE, b"a")
    backlog.after(lambda: done.append(f"after {len(reader.seen)}"))
    backlog.add(ONE, b"b")
    assert done == ["at once"]
    backlog.drain()
    assert done == ["at once", "after 1"]


def test_memory_is_bounded_by_reading_the_oldest() -> None:
    """As much as came too much."""
    reader = Reader()
    backlog = waiting(reader, most=10_000)
    for number in range(100):
        backlog.add(ONE, bytes([number]) * 1000)
    assert len(backlog) < 10
    assert [data[0] for _, data in reader.seen] == [*range(100 - len(backlog))]
    backlog.drain()
    assert [data[0] for _, data in reader.seen] == [*range(100)]


def test_large_pieces_wait_on_disk_and_small_ones_do_not(tmp_path: Path) -> None:
    """Nothing is read for want of memory as long as there is room on the disk."""
    reader = Reader()
    backlog = waiting(reader, most=10_000)
    backlog.spill = Spill(tmp_path)
    for number in range(50):
        backlog.add(ONE, bytes([number]) * 8000)
    assert reader.seen == []
    backlog.spill.close()


@given(
    sizes=st.lists(st.sampled_from([1, 100, 5000, 9000]), max_size=60),
    most=st.sampled_from([1, 3000, 20_000]),
    disk=st.sampled_from([0, 9000, 1 << 20]),
)
def test_every_piece_is_read_once_in_order(
    tmp_path_factory: Any, sizes: list[int], most: int, disk: int
) -> None:
    """Whether it waited in memory or on disk, or did not wait at all."""
    reader = Reader()
    backlog = waiting(reader, most=most)
    backlog.spill = Spill(tmp_path_factory.getbasetemp(), most=disk)
    pieces = [bytes([place % 256]) * size for place, size in enumerate(sizes)]
    for piece in pieces:
        backlog.add(ONE, piece)
    backlog.drain()
    assert [data for _, data in reader.seen] == pieces
    backlog.spill.close()


def test_it_is_read_by_itself_when_nothing_comes() -> None:
    """And again when something has come again."""

    async def main() -> list[bytes]:
        reader = Reader()
        backlog = Backlog(reader, asyncio.get_running_loop())
        for piece in (b"a", b"b"):
            backlog.add(ONE, piece)
            await eventually(lambda: not len(backlog), within_s=5)
        return [data for _, data in reader.seen]

    assert asyncio.run(main()) == [b"a", b"b"]


class Looks:
    """A loop that is come back to by hand, at a time of ours, on a machine of ours."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, enough: bool = True, most: int = 1 << 30
    ) -> None:
        self.now_ns, self.enough = 0, enough
        self.acts: list[Callable[[], None]] = []
        monkeypatch.setattr("harness.tap.backlog.monotonic_ns", lambda: self.now_ns)
        self.reader = Reader()
        self.backlog = Backlog(
            self._read, cast("asyncio.AbstractEventLoop", self),
            processors=cast("Processors", self), most=most,
        )  # fmt: skip

    def call_later(self, _delay_s: float, act: Callable[[], None]) -> None:
        self.acts.append(act)

    def call_soon(self, act: Callable[[], None]) -> None:
        self.acts.append(act)

    def are_enough(self) -> bool:
        return self.enough

    def close(self) -> None:
        """Of the machine, in whose stead it stands."""

    def _read(self, flow: Flow, data: bytes, time_ns: int) -> None:
        self.now_ns += 60_000_000  # longer than may be read at once
        self.reader(flow, data, time_ns)

    def read_at(self, ms: int) -> int:
        """How many pieces one look at this time reads. It always comes back."""
        before = len(self.reader.seen)
        self.now_ns = ms * 1_000_000
        self.acts.pop()()
        assert len(self.acts) == 1
        return len(self.reader.seen) - before


@pytest.mark.parametrize(
    ("waited_ms", "waiting_bytes", "read"),
    [(400, 10, 0), (900, 10, 1), (9000, 10, 1), (900, 2_000_000, 0), (9000, 2_000_000, 0)],
)
def test_under_load_what_waits_is_read_as_long_as_little_does(
    monkeypatch: pytest.MonkeyPatch, waited_ms: int, waiting_bytes: int, read: int
) -> None:
    """Not before it is old, and not when so much waits that more comes than is read."""
    looks = Looks(monkeypatch)
    looks.backlog.add(ONE, b"a" * waiting_bytes)
    looks.now_ns = waited_ms * 1_000_000
    looks.backlog.add(ONE, b"the load")
    assert looks.read_at(waited_ms) == read


@pytest.mark.parametrize(
    ("waiting_bytes", "quiet_ms", "read"),
    [(10, 1, 0), (10, 4, 1), (2_000_000, 4, 0), (2_000_000, 40, 0), (2_000_000, 60, 1)],
)
def test_where_much_waits_a_moment_has_to_be_longer(
    monkeypatch: pytest.MonkeyPatch, waiting_bytes: int, quiet_ms: int, read: int
) -> None:
    """A load has its own short ones."""
    looks = Looks(monkeypatch)
    looks.backlog.add(ONE, b"a" * waiting_bytes)
    assert looks.read_at(quiet_ms) == read


def test_what_waits_on_disk_is_much(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Though it takes little memory."""
    looks = Looks(monkeypatch, most=1000)
    looks.backlog.spill = Spill(tmp_path)
    looks.backlog.add(ONE, b"a" * 8000)
    assert looks.read_at(40) == 0
    assert looks.read_at(60) == 1
    looks.backlog.close()


def test_what_waits_when_it_is_closed_is_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither what is in memory nor what was on the disk that is gone."""
    looks = Looks(monkeypatch, most=1000)
    looks.backlog.spill = Spill(tmp_path)
    looks.backlog.add(ONE, b"a" * 8000)
    looks.backlog.add(ONE, b"b")
    looks.backlog.close()
    looks.now_ns = 1_000_000_000
    looks.acts.pop()()
    assert (looks.reader.seen, looks.acts, len(looks.backlog)) == ([], [], 0)


def test_in_a_quiet_moment_nothing_is_read_while_somebody_waits_for_a_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until nobody does, or until it is old."""
    looks = Looks(monkeypatch, enough=False)
    for _ in range(3):
        looks.backlog.add(ONE, b"a")
    assert looks.read_at(10) == 0
    looks.enough = True
    assert looks.read_at(20) == 1
    looks.enough = False
    assert looks.read_at(300) == 0
    assert looks.read_at(900) == 1


def test_catching_up_lets_others_have_their_turn() -> None:
    """A long backlog is read in slices."""

    async def main() -> tuple[int, int]:
        turns = 0

        def slow(*_: object) -> None:
            sum(range(2000))

        backlog = Backlog(slow, asyncio.get_running_loop())
        for _ in range(2000):
            backlog.add(ONE, b"piece")

        async def others() -> None:
            nonlocal turns
            while len(backlog):
                turns += 1
                await asyncio.sleep(0)

        await asyncio.gather(backlog.catch_up(), others())
        return turns, len(backlog)

    turns, left = asyncio.run(main())
    assert left == 0
    assert turns > 1


@pytest.mark.parametrize(
    ("told", "mib"),
    [("MemAvailable:   24000000 kB\n", 256), ("MemAvailable: 1048576 kB\n", 64), ("", 16)],
)
def test_no_more_memory_is_taken_than_the_machine_can_spare(
    tmp_path: Path, told: str, mib: int
) -> None:
    """A sixteenth of what is free, within bounds."""
    (tmp_path / "meminfo").write_text(f"MemTotal: 1 kB\n{told}SwapTotal: 0 kB\n")
    assert affordable(tmp_path / "meminfo") == mib << 20
