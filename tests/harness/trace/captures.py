"""Recorded conversations of real clients, played to a tracer."""

from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path

from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.trace.link import LinkReader
from harness.trace.tracer import Tracer

FOLDER = Path(__file__).parent.parent / "wire" / "captures"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))

Chunk = tuple[str, bytes]


def load(name: str) -> list[Chunk]:
    """Direction and bytes, read by read."""
    lines = (FOLDER / f"{name}.txt").read_text(encoding="ascii").splitlines()
    sides = {">": FROM_CLIENT, "<": FROM_SERVER}
    return [(sides[line[0]], bytes.fromhex(line[2:])) for line in lines]


def opened(name: str, tracer: Tracer | None = None) -> LinkReader:
    """A reader for a recording, of `c` to `s`."""
    tracer = tracer or Tracer(frozenset({"order_id", "key"}))
    return tracer.open("c", "s", 1, name.split("-", maxsplit=1)[0])


def play(reader: LinkReader, chunks: Iterable[Chunk]) -> list[Frame]:
    """All frames."""
    return [frame for direction, data in chunks for frame in reader.feed(direction, data)]


def replayed(name: str, tracer: Tracer | None = None) -> list[Frame]:
    """All frames of a recording."""
    return play(opened(name, tracer), load(name))


def recut(chunks: Iterable[Chunk], sizes: Sequence[int]) -> list[Chunk]:
    """The same bytes in the same order, in pieces of these sizes over and over."""
    found: list[Chunk] = []
    size = cycle(sizes)
    for direction, data in chunks:
        at = 0
        while at < len(data):
            end = at + next(size)
            found.append((direction, data[at:end]))
            at = end
    return found
