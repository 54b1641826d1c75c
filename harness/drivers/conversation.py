"""One connection on which a server is asked harmless things, and what is heard is measured.

It knows nothing of what stands between. Implements `harness.stage.Conversation`.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import Self

import psycopg

from harness.drivers.dialect import Dialect, Postgres
from harness.errors import EnvironmentFailed
from harness.model.toxic import Ending, Heard

_BLOCK = 1 << 16


class Conversation:
    """Made by `open` or `log_in`; to be closed."""

    def __init__(
        self, sock: socket.socket, dialect: Dialect, session: psycopg.AsyncConnection | None = None
    ) -> None:
        self._sock = sock
        self._dialect = dialect
        self._session = session
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, address: str, port: int, dialect: Dialect, *, timeout_s: float) -> Self:
        """Connect. Raises EnvironmentFailed where that fails, or takes too long."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
        except OSError as error:  # a timeout is one
            sock.close()
            raise EnvironmentFailed(f"no connection to {address}:{port}: {_text(error)}") from error
        except BaseException:
            sock.close()
            raise
        return cls(sock, dialect)

    @classmethod
    async def log_in(
        cls, address: str, port: int, *, user: str, password: str, timeout_s: float
    ) -> Self:
        """Connect to PostgreSQL and log in. Raises EnvironmentFailed."""
        try:
            async with asyncio.timeout(timeout_s):
                session = await psycopg.AsyncConnection.connect(
                    host=address, port=port, user=user, password=password, dbname="postgres",
                    sslmode="disable", gssencmode="disable", autocommit=True,
                )  # fmt: skip
        except (OSError, psycopg.Error) as error:
            raise EnvironmentFailed(f"no session at {address}:{port}: {_text(error)}") from error
        # From here on the bytes are ours: libpq tells nothing of when and how they come.
        sock = socket.socket(fileno=os.dup(session.pgconn.socket))
        sock.setblocking(False)
        return cls(sock, Postgres(), session)

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
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()


def _text(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "not in time"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return " ".join(str(error).split())
