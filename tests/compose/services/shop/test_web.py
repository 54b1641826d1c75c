"""The HTTP server, over a socket."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from compose.services.shop.web import NOT_FOUND, Reply, Route, Server, health


@contextmanager
def client(route: Route) -> Iterator[tuple[http.client.HTTPConnection, Server]]:
    """A connection to a server with these routes."""
    server = Server(0, route)
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
    try:
        yield connection, server
    finally:
        connection.close()
        server.drain()
        server.server_close()


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: str = "") -> Reply:
    """One request and its answer."""
    connection.request(method, path, body=body)
    answer = connection.getresponse()
    return Reply(status=answer.status, body=json.loads(answer.read()))


def test_requests_share_one_connection() -> None:
    """HTTP/1.1 keep-alive; method, path and body arrive as sent."""

    def echo(method: str, path: str, body: bytes) -> Reply:
        return Reply(status=201, body={"method": method, "path": path, "body": body.decode()})

    with client(echo) as (connection, _):
        first = ask(connection, "POST", "/orders/1", "hello")
        socket = connection.sock
        second = ask(connection, "GET", "/")
        assert connection.sock is socket
    assert first == Reply(status=201, body={"method": "POST", "path": "/orders/1", "body": "hello"})
    assert second == Reply(status=201, body={"method": "GET", "path": "/", "body": ""})


def test_a_bug_is_answered_as_the_servers_own() -> None:
    """500, not silence: the client then knows that its request may or may not be done."""

    def broken(*_: object) -> Reply:
        raise RuntimeError("oops")

    with client(broken) as (connection, _):
        assert ask(connection, "GET", "/").status == 500


def test_health_is_200_or_503() -> None:
    """And a question for anything else is left to others."""
    assert health("GET", "/health", lambda: True) == Reply(status=200, body={"healthy": True})
    assert health("GET", "/health", lambda: False) == Reply(status=503, body={"healthy": False})
    assert health("POST", "/health", lambda: True) is None
    assert health("GET", "/", lambda: True) is None
    assert NOT_FOUND.status == 404


def test_draining_waits_for_the_request_under_way() -> None:
    """A service that is asked to stop finishes what it has begun."""
    arrived, release = threading.Event(), threading.Event()

    def slow(*_: object) -> Reply:
        arrived.set()
        release.wait(5)
        return Reply(status=200, body={})

    with client(slow) as (connection, server):
        connection.request("GET", "/")
        assert arrived.wait(5)
        draining = threading.Thread(target=server.drain)
        draining.start()
        draining.join(0.05)
        assert draining.is_alive()
        release.set()
        draining.join(5)
        assert not draining.is_alive()
        assert connection.getresponse().status == 200
