"""What the parsers of `harness/wire` cost for a round trip or a chunk, beside a floor.

    python benchmarks/parsers.py [--seconds S] [NAME ...]

Each case feeds whole round trips to one connection that is up; each is told in nanoseconds of
this process's CPU, the least of many turns, with everything told and in few words (`terse`), as
the tap has it. The floor is what any program in Python pays that touches the same chunks once: a
call for each, and a copy of its bytes.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice

from conversations import CASES, Case, Connection

from harness.seed import stream

Feed = Callable[[bytes], Sequence[object]]

TURNS_S = 0.01
"""How long one turn of the clock is at least."""


def main() -> None:
    """Measure every case, or those whose name begins so."""
    options = argparse.ArgumentParser(description="Time the parsers of harness/wire.")
    options.add_argument("--seconds", type=float, default=0.5, help="for each figure")
    options.add_argument("names", nargs="*", default=[""], metavar="NAME")
    chosen = options.parse_args()
    print(f"{'ns a round':<34}{'floor':>9}{'all':>10}{'terse':>10}{'×floor':>8}{'MB/s':>9}")
    for name, make in CASES.items():
        if any(name.startswith(start) for start in chosen.names):
            _tell(name, make(stream(1, name)), chosen.seconds)


def _tell(name: str, case: Case, seconds: float) -> None:
    floor = _least_ns(_Floor(), case, seconds)
    full = _least_ns(case.open(False), case, seconds)
    terse = _least_ns(case.open(True), case, seconds)
    rate = case.size / terse * 1000
    print(
        f"{name:<34}{floor:>9,.0f}{full:>10,.0f}{terse:>10,.0f}{terse / floor:>8.1f}{rate:>9,.0f}",
        flush=True,
    )


class _Floor:
    """Touches what passes once."""

    def feed_client(self, data: bytes) -> Sequence[object]:
        self.last = bytearray(data)
        return ()

    feed_server = feed_client


def _least_ns(connection: Connection, case: Case, seconds: float) -> float:
    """Of many turns the quickest, for a round."""
    feeds = {">": connection.feed_client, "<": connection.feed_server}
    for side, data in case.before:
        feeds[side](data)
    rounds = cycle([[(feeds[side], data) for side, data in chunks] for chunks in case.rounds])
    count, took_s = 1, 0.0
    while took_s < TURNS_S:
        count *= 2
        took_s = _turn(rounds, count)
    turns = max(3, int(seconds / took_s))
    return min(_turn(rounds, count) for _ in range(turns)) / count * 1e9


def _turn(rounds: Iterator[list[tuple[Feed, bytes]]], count: int) -> float:
    """Seconds of CPU, the list of what is to be fed not among them."""
    chunks = [chunk for fed in islice(rounds, count) for chunk in fed]
    before = time.process_time()
    for feed, data in chunks:
        feed(data)
    return time.process_time() - before


if __name__ == "__main__":
    main()
