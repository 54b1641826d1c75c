"""A bare byte pump: what a proxy costs in Python at least.

    python benchmarks/pump.py HOST:PORT=HOST:PORT ...

Listens at each first address and dials the second one for every connection. One process, one
uvloop, two protocols for a connection, as the tap has them; it looks at no byte. It is the floor
that `taps.py` measures the tap against, and runs with the tap's priority. Prints `listening`, and
ends with its standard input.
"""

import asyncio
import sys
from functools import partial
from typing import cast

import uvloop

from harness.tap.priority import go_ahead


class Leg(asyncio.Protocol):
    """One socket of a connection: what comes in goes out on `sink`."""

    def __init__(self) -> None:
        self.source: asyncio.Transport | None = None
        self.sink: asyncio.Transport | None = None
        self.early = b""
        """What came before there was a sink."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.source = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.sink is not None:
            self.sink.write(data)
        else:
            self.early += data

    def eof_received(self) -> bool:
        if self.sink is not None and not self.sink.is_closing():
            self.sink.write_eof()
        return True

    def pause_writing(self) -> None:
        self.other.read(on=False)

    def resume_writing(self) -> None:
        self.other.read(on=True)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.source = None
        if self.sink is not None:
            self.sink.close()

    other: "Leg"

    def read(self, *, on: bool) -> None:
        """Read on, or no more for now."""
        if self.source is not None and not self.source.is_closing():
            if on:
                self.source.resume_reading()
            else:
                self.source.pause_reading()


class Dialling(Leg):
    """The client's leg, which gets its other one."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._to = (host, port)
        self.other = Leg()
        self.other.other = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._dialling = asyncio.get_running_loop().create_task(self._dial())

    async def _dial(self) -> None:
        try:
            made, _ = await asyncio.get_running_loop().create_connection(
                lambda: self.other, *self._to
            )
        except OSError:
            if self.source is not None:
                self.source.abort()
            return
        self.sink, self.other.sink = made, self.source
        made.write(self.early)


def _parse(argument: str) -> tuple[tuple[str, int], tuple[str, int]]:
    here, _, there = argument.partition("=")
    return _address(here), _address(there)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def _serve(pairs: list[tuple[tuple[str, int], tuple[str, int]]]) -> None:
    loop = asyncio.get_running_loop()
    for here, there in pairs:
        await loop.create_server(partial(Dialling, *there), *here, backlog=1024)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    print("listening", flush=True)
    await ended.wait()


if __name__ == "__main__":
    go_ahead()
    uvloop.run(_serve([_parse(argument) for argument in sys.argv[1:]]))
