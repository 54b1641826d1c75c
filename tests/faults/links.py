"""Links for faults that put toxics on them: what is heard depends on what they have been given."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.errors import EnvironmentFailed
from harness.model.system import Link
from harness.model.toxic import Ending, Heard, Toxic

RATE = 1_000_000.0
"""Bytes a second, of a healthy link."""
TRIP_S = 0.002
PIECE = 1000


@dataclass(kw_only=True)
class Talk:
    """A conversation with a server that answers at once."""

    links: "Links"
    is_old: bool = True
    closed: bool = False

    async def ask(self, *, up: int = 0, down: int = 0, timeout_s: float) -> Heard:
        return heard(
            self.links, up=up or 50, down=down or 100, timeout_s=timeout_s, old=self.is_old
        )

    async def end(self, *, timeout_s: float) -> Heard:
        toxic = self.links.has("slow_close")
        delay_s = 0.0 if toxic is None else toxic["delay"] / 1000
        return Heard(
            sent=0, pieces=(), seconds=min(TRIP_S + delay_s, timeout_s), whole=False,
            ending=Ending.CLOSED,
        )  # fmt: skip

    async def close(self) -> None:
        self.closed = True


@dataclass(kw_only=True)
class Links:
    """Implements `harness.stage.Toxics`. `lame`: what is put on does nothing."""

    lame: bool = False
    ill_for: int = 0
    """So many conversations after the heal are not answered."""
    on: list[Toxic] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    talks: list[Talk] = field(default_factory=list)
    spread: Iterator[float] = field(default_factory=lambda: itertools.cycle((-0.9, 0.1, 0.8)))
    """Of the jitter, draw by draw."""

    def has(self, kind: str) -> dict[str, int] | None:
        found = [toxic for toxic in self.on if toxic.type == kind]
        return dict(found[0].attributes) if found else None

    async def add(self, link: Link, toxics: Sequence[Toxic]) -> None:
        self.log.append(f"add {link}")
        if not self.lame:
            self.on += toxics

    async def cleanse(self, link: Link) -> None:
        self.log.append(f"cleanse {link}")
        self.on.clear()

    async def converse(self, link: Link) -> Talk:
        if "cleanse" in " ".join(self.log) and self.ill_for:
            self.ill_for -= 1
            raise EnvironmentFailed(f"no connection over {link}")
        self.talks.append(Talk(links=self))
        return self.talks[-1]

    async def greet(self, link: Link, timeout_s: float) -> Heard:
        self.log.append(f"greet {link}")
        return heard(self, up=50, down=100, timeout_s=timeout_s, old=False)


def heard(links: Links, *, up: int, down: int, timeout_s: float, old: bool) -> Heard:
    """What comes of a question under the toxics that there are."""
    pieces, seconds = _pieces(down, PIECE), TRIP_S + (up + down) / RATE
    if (toxic := links.has("latency")) is not None:
        seconds += (toxic["latency"] + next(links.spread) * toxic["jitter"]) / 1000
    elif (toxic := links.has("bandwidth")) is not None:
        seconds = max(up, down) / (toxic["rate"] * 1000)
    elif (toxic := links.has("slicer")) is not None:
        pieces = _pieces(down, toxic["average_size"])
        seconds += len(pieces) * toxic["delay"] / 1e6
    elif (toxic := links.has("limit_data")) is not None:
        return Heard(
            sent=up, pieces=(toxic["bytes"],), seconds=seconds, whole=False, ending=Ending.CLOSED
        )
    elif (toxic := links.has("reset_peer")) is not None:
        ending = Ending.CLOSED if old else Ending.RESET
        return Heard(sent=up, pieces=(), seconds=seconds, whole=False, ending=ending)
    elif (toxic := links.has("timeout")) is not None:
        ends_s = toxic["timeout"] / 1000
        return Heard(
            sent=up, pieces=(), seconds=ends_s or timeout_s, whole=False,
            ending=Ending.CLOSED if ends_s else None,
        )  # fmt: skip
    return Heard(sent=up, pieces=pieces, seconds=seconds, whole=True)


def _pieces(size: int, most: int) -> tuple[int, ...]:
    return tuple(min(most, size - at) for at in range(0, size, most))
