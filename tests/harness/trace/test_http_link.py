"""HTTP: requests that may change something are effects."""

import pytest

from harness.model.frame import FROM_CLIENT
from harness.trace.tracer import Tracer
from tests.harness.trace.captures import replayed
from tests.harness.trace.links import Broker, Connection, asked, effects, record

ID = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a01"


def connection(tracer: Tracer | None = None) -> Connection:
    return Connection(tracer or Tracer(frozenset()), "user", "order", "http")


def request(line: str, *headers: str, body: str = "") -> bytes:
    lines = [f"{line} HTTP/1.1", "Host: order", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


def response(status: int) -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()


def test_real_clients_requests() -> None:
    """aiohttp's: what changes something, by its correlation id or its path."""
    told = effects(replayed("http-aiohttp"))
    assert told == [
        f"{mark}c/s/http({detail})/{key}#1"
        for detail, key in (
            ("POST:/orders", "r0"),
            ("POST:/orders", "r1"),
            ("DELETE:/orders/{}", "1"),
            ("POST:/orders/{}/cancel", "17"),
        )
        for mark in "?!"
    ]
    assert effects(replayed("http-pipelined")) == []


def test_frames_of_what_only_reads() -> None:
    client = connection()
    client.sends(request("GET /orders/17"))
    client.gets(response(404))
    assert [(f.kind, f.name, f.keys, f.error) for f in client.frames] == [
        ("http", "GET /orders/17", ("17",), None),
        ("http-answered", "404", (), "404"),
    ]
    assert effects(client.frames) == []


@pytest.mark.parametrize(
    ("path", "headers", "key"),
    [
        ("/orders", ("X-Correlation-Id: 17",), "17"),
        ("/orders", ("X-Request-Id: 17", "Idempotency-Key: 18"), "17"),
        ("/orders", ("X-Request-Id: 18", "X-Correlation-Id: 17"), "17"),
        ("/orders", (f"X-Request-Id: {ID}",), ID),
        ("/orders/17", (f"X-Request-Id: {ID}",), "17"),
        ("/orders/17", ("X-Request-Id: 18",), "18"),
        ("/users/1/orders/17", (), "-"),
        ("/orders", ("X-Request-Id:",), "-"),
    ],
)
def test_the_key_of_a_request(path: str, headers: tuple[str, ...], key: str) -> None:
    """A header's, unless that was made for the request alone and the path says more."""
    effect = asked(connection().sends(request(f"POST {path}", *headers)))
    assert effect.addresses[0].key == key


def test_an_id_that_stands_for_a_key() -> None:
    """In a header or in the path."""
    tracer = Tracer(frozenset())
    Broker(tracer, "order").produce_all({("t", 0): [record("17", {"event_id": ID})]})
    client = connection(tracer)
    told = client.sends(request("POST /orders", f"X-Request-Id: {ID}"))
    assert asked(told).keys == asked(client.sends(request(f"PUT /events/{ID}"))).keys == ("17",)


@pytest.mark.parametrize(
    ("status", "mark", "counts"),
    [(201, "!", (1, 0)), (302, "!", (1, 0)), (409, "x", (0, 0)), (503, "x", (0, 1))],
)
def test_answers(status: int, mark: str, counts: tuple[int, int]) -> None:
    """Refused is not done; after a server's error nobody knows."""
    tracer = Tracer(frozenset())
    client = connection(tracer)
    client.sends(request("POST /orders/17"))
    assert effects(client.gets(response(status))) == [
        f"{mark}user/order/http(POST:/orders/{{}})/17#1"
    ]
    effect = asked(client.sends(request("POST /orders/17")))
    assert tracer.earlier(effect, effect.addresses[0]) == counts


def test_answers_belong_to_requests_in_their_order() -> None:
    """Whatever comes between them."""
    client = connection()
    client.sends(request("POST /a/1") + request("GET /b") + request("POST /a/2"))
    assert effects(client.gets(response(100) + response(200) + response(200) + response(400))) == [
        "!user/order/http(POST:/a/{})/1#1",
        "xuser/order/http(POST:/a/{})/2#1",
    ]


def test_an_answer_before_the_requests_end() -> None:
    """It was asked for and answered when its last byte comes."""
    tracer = Tracer(frozenset())
    client = connection(tracer)
    whole = request("POST /orders/17", body="too much")
    client.sends(whole[:-3])
    assert client.reader.boundary(FROM_CLIENT) == 0
    assert effects(client.gets(response(413))) == []
    assert effects(client.sends(whole[-3:])) == ["?user/order/http(POST:/orders/{})/17#1"]
    assert tracer.unanswered("user") == ()
