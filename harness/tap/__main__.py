"""`python -m harness.tap FD`: the tap process; FD is its end of the harness's socket pair."""

import asyncio
import gc
import inspect
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from harness.errors import AftershockError, HarnessBug
from harness.model.cut import Reached
from harness.tap.detour import Way
from harness.tap.messages import Inbox, Message, encode, reached_json, trigger_of
from harness.tap.priority import go_ahead
from harness.tap.relay import Link
from harness.tap.station import Station


class Controlled:
    """A station that does what comes through the socket, until the other end closes it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._inbox = Inbox(sock)
        self._station = Station(self._reached)
        self._ended = asyncio.Event()
        self._queue: asyncio.Queue[tuple[Message, int | None]] = asyncio.Queue()

    async def run(self) -> None:
        """Serve until the harness hangs up."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._sock.fileno(), self._readable)
        worker = loop.create_task(self._work())
        await self._ended.wait()
        worker.cancel()
        await self._station.close()

    def _readable(self) -> None:
        try:
            for message in self._inbox.receive():
                fd = self._inbox.descriptor() if message.get("fd") else None
                self._queue.put_nowait((message, fd))
        except BlockingIOError:
            return
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(self._sock.fileno())
            self._ended.set()

    async def _work(self) -> None:
        """One request after the other: their order is what the harness means."""
        while True:
            message, fd = await self._queue.get()
            try:
                answer = await self._do(message, fd)
            except (AftershockError, OSError) as error:
                answer = {"error": str(error)}
            self._send({"id": message["id"], **answer})

    def _reached(self, reached: Reached) -> None:
        self._send({"event": "reached", **reached_json(reached)})

    def _send(self, message: Message) -> None:
        # Small messages to a reader that always reads: a full socket means that it is gone.
        try:
            self._sock.sendall(encode(message))
        except OSError:
            self._ended.set()

    async def _do(self, message: Message, fd: int | None) -> dict[str, Any]:
        do = _DEEDS.get(message["do"])
        if do is None:
            return {"error": f"the tap knows no {message['do']!r}"}
        told = do(self._station, message, fd)
        return (await told if inspect.isawaitable(told) else told) or {}


async def _listen(station: Station, message: Message, _fd: int | None) -> None:
    await station.listen(Link(**link) for link in message["links"])


def _network(station: Station, message: Message, fd: int | None) -> None:
    if fd is None:
        raise HarnessBug("a network without its descriptor")
    station.network(message["node"], fd)


def _sandbox(station: Station, message: Message, _fd: int | None) -> None:
    station.sandbox(message["node"], message["path"])


async def _begin(station: Station, message: Message, _fd: int | None) -> None:
    await station.backlog.catch_up()
    keys = frozenset(message["key_columns"])
    station.begin(Path(message["path"]), keys, message["payload_bytes"])


async def _arm(station: Station, message: Message, _fd: int | None) -> dict[str, Any]:
    await station.backlog.catch_up()
    return {"armed": station.gate.arm(trigger_of(message), message["gated"])}


async def _end(station: Station, _message: Message, _fd: int | None) -> dict[str, Any]:
    await station.backlog.catch_up()
    return {"frames": station.end()}


async def _discard(station: Station, message: Message, _fd: int | None) -> None:
    await station.backlog.catch_up()
    await station.discard(message["node"])


async def _lead(station: Station, message: Message, _fd: int | None) -> None:
    await station.lead(
        {
            (way["client"], way["server"], way["port"]): Way(
                proxy=(way["proxy"][0], way["proxy"][1]), exit=(way["exit"][0], way["exit"][1])
            )
            for way in message["ways"]
        }
    )


_DEEDS: dict[str, Callable[[Station, Message, int | None], Any]] = {
    "listen": _listen,
    "network": _network,
    "sandbox": _sandbox,
    "begin": _begin,
    "arm": _arm,
    "end": _end,
    "open": lambda station, _message, _fd: station.gate.open(),
    "discard": _discard,
    "lead": _lead,
    "reset": lambda station, _message, _fd: station.reset(),
    "swallow": lambda station, _message, _fd: station.swallow(),
    "answer": lambda station, message, _fd: station.answer(message["code"]),
    "fail": lambda station, message, _fd: station.fail(
        message["client"], message["server"], message["code"]
    ),
    "serve": lambda station, message, _fd: {
        "answered": station.failing.end((message["client"], message["server"]))
    },
    "strangers": lambda station, message, _fd: {
        "strangers": [c for c in message["connections"] if tuple(c) not in station.dialled]
    },
}


def main() -> None:
    """The process."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    go_ahead()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)

    async def serve() -> None:
        await Controlled(sock).run()

    uvloop.run(serve())


if __name__ == "__main__":
    main()
