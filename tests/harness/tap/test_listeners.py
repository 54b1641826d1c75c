"""Listeners on loopback, with a server that is told to be up or down."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
import uvloop

from harness.tap.flow import Flow
from harness.tap.listeners import Listeners
from harness.tap.relay import Link

TAP = "127.0.0.4"
MOST_S = 10.0


def free_port() -> int:
    with socket.create_server((TAP, 0)) as taken:
        return int(taken.getsockname()[1])


class Server:
    """What the kernel would say of it."""

    def __init__(self, *, port: int, known: bool = True) -> None:
        self.port = port
        self.known = known
        self.up = False

    def takes(self, link: Link) -> bool | None:
        return self.up and link.port == self.port if self.known else None


async def taken(port: int) -> bool:
    """Whether a connection is."""
    sock = socket.socket()
    sock.setblocking(False)
    with contextlib.closing(sock):
        try:
            await asyncio.get_running_loop().sock_connect(sock, (TAP, port))
        except ConnectionRefusedError:
            return False
        return True


async def until_taken(port: int, *, expected: bool) -> None:
    while await taken(port) is not expected:  # noqa: ASYNC110 - a port has no event
        await asyncio.sleep(0.005)


@asynccontextmanager
async def standing(server: Server) -> AsyncIterator[Listeners]:
    link = Link(
        client="a", server="b", listen=TAP, address="127.0.0.1", port=server.port, protocol="http"
    )
    listeners = Listeners(lambda _link: cast("Flow", asyncio.Protocol()), server.takes)
    await listeners.add([link])
    try:
        yield listeners
    finally:
        await listeners.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(MOST_S):
            await test()

    uvloop.run(bounded())


def test_a_client_is_refused_until_the_server_listens_and_when_it_is_gone() -> None:
    async def test() -> None:
        server = Server(port=free_port())
        async with standing(server) as listeners:
            assert not await taken(server.port)
            server.up = True
            await until_taken(server.port, expected=True)
            server.up = False
            listeners.refuse("b")
            await until_taken(server.port, expected=False)
            server.up = True
            await until_taken(server.port, expected=True)

    run(test)


def test_a_server_that_is_up_is_listened_for_at_once() -> None:
    async def test() -> None:
        server = Server(port=free_port())
        server.up = True
        async with standing(server):
            assert await taken(server.port)

    run(test)


def test_one_of_which_nothing_is_known_is_listened_for_always() -> None:
    async def test() -> None:
        server = Server(port=free_port(), known=False)
        async with standing(server) as listeners:
            listeners.refuse("b")
            assert await taken(server.port)

    run(test)


def test_closed_nothing_is_taken_any_more() -> None:
    async def test() -> None:
        server = Server(port=free_port())
        server.up = True
        async with standing(server):
            pass
        assert not await taken(server.port)

    run(test)


def test_a_taken_address_is_an_error() -> None:
    async def test() -> None:
        with socket.create_server((TAP, 0)) as other:
            server = Server(port=other.getsockname()[1], known=False)
            with pytest.raises(OSError, match=TAP):
                async with standing(server):
                    pass

    run(test)


def test_a_socket_that_listens_elsewhere_is_taken_for_the_link() -> None:
    """As a sandbox makes it, in a network that is not this process's."""

    async def test() -> None:
        elsewhere = socket.create_server(("127.0.0.5", 0))
        port = elsewhere.getsockname()[1]
        link = Link(
            client="a", server="b", listen=TAP, address="127.0.0.1", port=port, protocol="http"
        )
        listeners = Listeners(
            lambda _link: cast("Flow", asyncio.Protocol()),
            lambda _link: True,
            lambda _link: elsewhere,
        )
        await listeners.add([link])
        try:
            assert not await taken(port)
            sock = socket.socket()
            sock.setblocking(False)
            with contextlib.closing(sock):
                await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.5", port))
        finally:
            await listeners.close()

    run(test)
