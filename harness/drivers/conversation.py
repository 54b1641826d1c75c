"""One connection on which a server is asked harmless things, and what is heard is measured.

It knows nothing of what stands between. Implements `harness.stage.Conversation`.
"""

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import Callable
from typing import Self

import psycopg

from harness.drivers.dialect import Dialect, Postgres
from harness.errors import EnvironmentFailed
from harness.model.toxic import Ending, Heard

_BLOCK = 1 << 16
_ANY_PORT = 5432
"""Names libpq's socket; there is one in its folder."""


class Conversation:
    """Made by `open` or `log_in`; to be closed."""

    def __init__(self, sock: socket.socket, dialect: Dialect) -> None:
        self._sock = sock
        self._dialect = dialect
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(
        cls,
        address: str,
        port: int,
        dialect: Dialect,
        *,
        timeout_s: float,
        sock: socket.socket | None = None,
    ) -> Self:
        """Connect; with `sock`, which does not block, where the server is reached from another
        network only. Raises EnvironmentFailed where that fails, or takes too long."""
        mine = sock or _socket()
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().sock_connect(mine, (address, port))
        except OSError as error:  # a timeout is one
            mine.close()
            raise EnvironmentFailed(f"no connection to {address}:{port}: {_text(error)}") from error
        except BaseException:
            mine.close()
            raise
        return cls(mine, dialect)

    @classmethod
    async def log_in(
        cls,
        address: str,
        port: int,
        *,
        user: str,
        password: str,
        timeout_s: float,
        sock: socket.socket | None = None,
    ) -> Self:
        """Connect to PostgreSQL, as `open` does, and log in. Raises EnvironmentFailed."""
        mine = sock or _socket()
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().sock_connect(mine, (address, port))
                await _log_in(mine, user=user, password=password)
        except (OSError, psycopg.Error) as error:
            mine.close()
            raise EnvironmentFailed(f"no session at {address}:{port}: {_text(error)}") from error
        except BaseException:
            mine.close()
            raise
        return cls(mine, Postgres())

    async def ask(self, *, up: int = 0, down: int = 0, timeout_s: float) -> Heard:
        """A question of at least `up` bytes, for an answer of at least `down`. It can be asked
        again only where all of the answer came. Raises EnvironmentFailed where it is none."""
        question = self._dialect.question(up, down)
        heard = bytearray()

        def is_whole(data: bytes) -> bool:
            heard.extend(data)
            return self._dialect.answered(bytes(heard))

        sending = self._loop.create_task(self._send(question))
        try:
            return await self._hear(len(question), is_whole, timeout_s)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, data: bytes) -> None:
        # That it fails is heard, too.
        with contextlib.suppress(OSError):
            await self._loop.sock_sendall(self._sock, data)

    async def end(self, *, timeout_s: float) -> Heard:
        """Say that nothing more comes, and await the connection's end. It can't be asked again."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
        return await self._hear(0, lambda _data: False, timeout_s)

    async def _hear(self, sent: int, is_whole: Callable[[bytes], bool], timeout_s: float) -> Heard:
        began, pieces = self._loop.time(), list[int]()
        ending: Ending | None = None
        whole = False
        try:
            async with asyncio.timeout(timeout_s):
                while not whole:
                    data = await self._loop.sock_recv(self._sock, _BLOCK)
                    if not data:
                        ending = Ending.CLOSED
                        break
                    pieces.append(len(data))
                    whole = is_whole(data)
        except TimeoutError:
            pass  # that nothing is heard is a finding
        except OSError:
            ending = Ending.RESET
        return Heard(
            sent=sent,
            pieces=tuple(pieces),
            seconds=self._loop.time() - began,
            whole=whole,
            ending=ending,
        )

    async def close(self) -> None:
        """Let go of it. Idempotent."""
        self._sock.close()


def _socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    return sock


async def _log_in(server: socket.socket, *, user: str, password: str) -> None:
    """Have libpq log in. It makes its connections itself and tells nothing of when and how bytes
    come, so it is given one to this process, and what it says is passed on until it is done."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{folder}/.s.PGSQL.{_ANY_PORT}")
        door.listen(1)
        door.setblocking(False)
        passing = asyncio.create_task(_pass_on(door, server))
        try:
            session = await psycopg.AsyncConnection.connect(
                host=folder, port=_ANY_PORT, user=user, password=password, dbname="postgres",
                gssencmode="disable",
            )  # fmt: skip
        finally:
            passing.cancel()
            await asyncio.gather(passing, return_exceptions=True)
        await session.close()  # nobody passes its last word on


async def _pass_on(door: socket.socket, server: socket.socket) -> None:
    """What comes through the door to the server, and back, until one of them has ended."""
    loop = asyncio.get_running_loop()

    async def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := await loop.sock_recv(source, _BLOCK):
                await loop.sock_sendall(sink, data)

    near, _ = await loop.sock_accept(door)
    with near:
        near.setblocking(False)
        pumps = [
            asyncio.create_task(pump(near, server)), asyncio.create_task(pump(server, near))
        ]  # fmt: skip
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in pumps:
                each.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)


def _text(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "not in time"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return " ".join(str(error).split())
