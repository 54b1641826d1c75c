"""HTTP requests whose outcome is known or known to be unknown.

One table says which failures are definite (the operation did not happen: `fail`) and which leave
its outcome open (`info`). Nothing here is retried: each request opens its own connection, so that
no stale one is reused and no client library sends twice.
"""

import errno
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from harness.model.op import OpType

_UNREACHABLE = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})

_BY_EXCEPTION: tuple[tuple[type[BaseException], OpType, str], ...] = (
    # First match counts, so subclasses come before their bases.
    # Definite: no connection was made, so not a byte of the request left.
    (aiohttp.ConnectionTimeoutError, OpType.FAIL, "connect timed out"),
    (aiohttp.ClientConnectorDNSError, OpType.FAIL, "name not resolved"),
    (aiohttp.ClientConnectorError, OpType.FAIL, "not connected"),
    (aiohttp.InvalidURL, OpType.FAIL, "invalid URL"),
    # Indefinite: the request may have been carried out.
    (aiohttp.ServerDisconnectedError, OpType.INFO, "disconnected before the answer"),
    (ConnectionResetError, OpType.INFO, "connection reset"),
    (TimeoutError, OpType.INFO, "timed out"),
    (aiohttp.ClientPayloadError, OpType.INFO, "answer broke off"),
    (aiohttp.ClientError, OpType.INFO, "connection failed"),
    (OSError, OpType.INFO, "connection failed"),
)

_BY_STATUS: tuple[tuple[range, OpType], ...] = (
    (range(200, 300), OpType.OK),
    (range(300, 500), OpType.FAIL),
    (range(500, 600), OpType.INFO),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one request ended. `status` is None where no answer came."""

    type: OpType
    status: int | None = None
    body: str = ""
    error: str | None = None

    @property
    def value(self) -> Mapping[str, Any]:
        """The body as a JSON object; empty where it is none."""
        try:
            parsed = json.loads(self.body)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}


def of_status(status: int, body: str = "") -> Answer:
    """The answer that came, classified. A status outside 200–599 is indefinite."""
    found = next((kind for codes, kind in _BY_STATUS if status in codes), OpType.INFO)
    error = None if found is OpType.OK else f"HTTP {status}: {body[:200]}".rstrip(": ")
    return Answer(type=found, status=status, body=body, error=error)


def of_failure(failure: BaseException) -> Answer:
    """The failure instead of an answer, classified. What the table doesn't know is indefinite."""
    if isinstance(failure, aiohttp.ClientConnectorError) and failure.errno in _UNREACHABLE:
        name = errno.errorcode[failure.errno].removeprefix("E").lower()
        return Answer(type=OpType.FAIL, error=f"not connected: {name}")
    for kind, outcome, says in _BY_EXCEPTION:
        if isinstance(failure, kind):
            return Answer(type=outcome, error=says)
    return Answer(type=OpType.INFO, error=f"{type(failure).__name__}: {failure}")


def new_session(sock: socket.socket | None = None) -> aiohttp.ClientSession:
    """A session of one connection a request, any number at once, which sends nothing twice. `sock`:
    what its one connection is made of, in whatever network it came from."""
    factory = None if sock is None else lambda _address: sock
    connector = aiohttp.TCPConnector(force_close=True, limit=0, socket_factory=factory)
    session = aiohttp.ClientSession(connector=connector)
    # aiohttp sends idempotent methods again after a disconnect and has no public switch for it.
    session._retry_connection = False  # noqa: SLF001 (a test watches that this still works)
    return session


async def send(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    timeout_s: float,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request and say how it ended, within `timeout_s`. Raises nothing but cancellation.

    Redirects are not followed: a service that answers one has not carried out the request.
    """
    limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=timeout_s)
    try:
        async with session.request(
            method,
            url,
            json=body,
            headers=headers,
            timeout=limits,
            allow_redirects=False,
            # Without a body aiohttp would call it octets, which Connect refuses (415).
            skip_auto_headers=() if body is not None else ("Content-Type",),
        ) as response:
            return of_status(response.status, await response.text(errors="replace"))
    except (aiohttp.ClientError, OSError, TimeoutError) as failure:
        return of_failure(failure)


async def get(url: str, *, timeout_s: float, sock: socket.socket | None = None) -> Answer:
    """Probe one URL, by that socket where one is given."""
    async with new_session(sock) as session:
        return await send(session, "GET", url, timeout_s=timeout_s)
