"""Mutated and random chunks through every parser of `harness/wire`: none may raise, none may grow.

    python benchmarks/fuzz_wire.py [--chunks N] [--seed S] [PARSER ...]

Each round takes a recorded conversation, mutates it (bytes, lengths, pieces lost, doubled or
taken from elsewhere), cuts it into chunks and feeds it, or feeds bare random bytes; every other
parser tells in few words (`terse`). Prints per
parser: chunks, events, rounds that lost sync, chunks per second, growth of the process's memory.
A round that raises prints its seed and ends the run with 1. A parser joins by an entry in
`PARSERS`.
"""

import argparse
import gc
import resource
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Protocol

from harness.seed import stream
from harness.wire.http import HttpParser
from harness.wire.kafka import KafkaParser
from harness.wire.postgres import PostgresConnection
from harness.wire.stream import LostSync

CAPTURES = Path(__file__).resolve().parent.parent / "tests" / "harness" / "wire" / "captures"

Chunks = list[tuple[str, bytes]]
"""`>` of the client, `<` of the server."""
Feed = Callable[[str, bytes], int]
"""Feeds one chunk; returns how many events it told, -1 if sync was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parser:
    """How a parser is made, and which recorded conversations it knows."""

    open: Callable[[bool], Feed]
    """Given whether it is to tell in few words."""
    captures: str
    """A pattern of file names."""


class Connection(Protocol):
    """What every parser of `harness/wire` offers."""

    def feed_client(self, data: bytes, /) -> Sequence[object]: ...

    def feed_server(self, data: bytes, /) -> Sequence[object]: ...


def _opened(make: Callable[[bool], Connection]) -> Callable[[bool], Feed]:
    """Connections of this kind."""

    def begin(terse: bool) -> Feed:
        connection = make(terse)

        def feed(side: str, data: bytes) -> int:
            take = connection.feed_client if side == ">" else connection.feed_server
            events = take(data)
            return -1 if any(isinstance(event, LostSync) for event in events) else len(events)

        return feed

    return begin


_postgres = _opened(lambda terse: PostgresConnection(terse=terse))

PARSERS: dict[str, Parser] = {
    "postgres": Parser(open=_postgres, captures="postgres-*.txt"),
    "replication": Parser(open=_postgres, captures="postgres-*-replication.txt"),
    "kafka": Parser(open=_opened(lambda terse: KafkaParser(terse=terse)), captures="kafka-*.txt"),
    "http": Parser(open=_opened(lambda terse: HttpParser(terse=terse)), captures="http-*.txt"),
}
"""Name → parser."""


def main() -> None:
    """Fuzz each parser in turn."""
    options = argparse.ArgumentParser(description="Fuzz the parsers of harness/wire.")
    options.add_argument("--chunks", type=int, default=100_000, help="for each parser")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("parsers", nargs="*", default=list(PARSERS), metavar="PARSER")
    chosen = options.parse_args()
    for name in chosen.parsers:
        _fuzz(name, PARSERS[name], chosen.chunks, chosen.seed)


def _fuzz(name: str, parser: Parser, chunks: int, seed: int) -> None:
    recorded = [_read(path) for path in sorted(CAPTURES.glob(parser.captures))]
    fed = events = lost = rounds = 0
    begun, before_mib = time.monotonic(), _memory_mib()
    while fed < chunks:
        rounds += 1
        chance = stream(seed, name, str(rounds))
        feed = parser.open(rounds % 2 == 0)
        for side, data in _conversation(recorded, chance):
            told = _fed(feed, side, data, f"{name}: seed {seed}, round {rounds}")
            fed += 1
            events += max(told, 0)
            lost += told < 0
    gc.collect()
    seconds = time.monotonic() - begun
    print(
        f"{name:<12} {fed:,} chunks in {rounds:,} rounds, {events:,} events, "
        f"{lost:,} losses of sync, no exception, {fed / seconds:,.0f} chunks/s, "
        f"+{_memory_mib() - before_mib:.0f} MiB",
        flush=True,
    )


def _fed(feed: Feed, side: str, data: bytes, where: str) -> int:
    try:
        return feed(side, data)
    except Exception:  # noqa: BLE001 - what is looked for
        traceback.print_exc()
        sys.exit(f"{where}: raised")


def _read(path: Path) -> Chunks:
    lines = path.read_text(encoding="ascii").splitlines()
    return [(line[0], bytes.fromhex(line[2:])) for line in lines if line[:1] in {">", "<"}]


def _conversation(recorded: list[Chunks], chance: Random) -> Chunks:
    if chance.random() < 0.1:
        return [(chance.choice("<>"), chance.randbytes(chance.randint(0, 64))) for _ in range(20)]
    chunks = list(chance.choice(recorded))
    for _ in range(min(chance.randint(1, 6), chance.randint(1, 6))):
        chance.choice(_MUTATIONS)(chunks, recorded, chance)
    return [piece for side, data in chunks for piece in _cut(side, data, chance)]


def _cut(side: str, data: bytes, chance: Random) -> Chunks:
    places = sorted(chance.randint(0, len(data)) for _ in range(chance.randint(0, 3)))
    edges = [0, *places, len(data)]
    return [(side, data[a:b]) for a, b in pairwise(edges) if a < b]


Mutation = Callable[[Chunks, list[Chunks], Random], None]


def _byte(chunks: Chunks, _recorded: list[Chunks], chance: Random) -> None:
    at = chance.randrange(len(chunks))
    side, data = chunks[at]
    if data:
        place = chance.randrange(len(data))
        changed = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        chunks[at] = side, data[:place] + bytes((changed,)) + data[place + 1 :]


def _overwritten(chunks: Chunks, _recorded: list[Chunks], chance: Random) -> None:
    """Lengths stay what they are, so that what follows is still read."""
    at = chance.randrange(len(chunks))
    side, data = chunks[at]
    place = chance.randint(0, len(data))
    piece = chance.randbytes(chance.randint(1, 9))[: len(data) - place]
    chunks[at] = side, data[:place] + piece + data[place + len(piece) :]


def _lost_piece(chunks: Chunks, _recorded: list[Chunks], chance: Random) -> None:
    at = chance.randrange(len(chunks))
    side, data = chunks[at]
    place = chance.randint(0, len(data))
    chunks[at] = side, data[:place] + data[place + chance.randint(1, 9) :]


def _added_piece(chunks: Chunks, _recorded: list[Chunks], chance: Random) -> None:
    at = chance.randrange(len(chunks))
    side, data = chunks[at]
    place = chance.randint(0, len(data))
    chunks[at] = side, data[:place] + chance.randbytes(chance.randint(1, 9)) + data[place:]


def _doubled(chunks: Chunks, _recorded: list[Chunks], chance: Random) -> None:
    at = chance.randrange(len(chunks))
    chunks.insert(at, chunks[at])


def _left_out(chunks: Chunks, _recorded: list[Chunks], chance: Random) -> None:
    if len(chunks) > 1:
        del chunks[chance.randrange(len(chunks))]


def _from_elsewhere(chunks: Chunks, recorded: list[Chunks], chance: Random) -> None:
    chunks.insert(chance.randint(1, len(chunks)), chance.choice(chance.choice(recorded)))


_MUTATIONS: tuple[Mutation, ...] = (
    _byte,
    _byte,
    _byte,
    _overwritten,
    _overwritten,
    _lost_piece,
    _added_piece,
    _doubled,
    _left_out,
    _from_elsewhere,
)


def _memory_mib() -> float:
    """The most that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
