"""The order service: takes orders over HTTP, keeps them, and tells the others.

How it tells is PATTERN. `dual-write` commits the order, then publishes: what happens between the
two is lost. `event-driven` publishes while its transaction is open, then commits: what happens
between the two was told of and never was. `rest-sync` calls the others while its transaction is
open, then commits: what happens between the two was done by them and never was. The outbox patterns
write the event into the outbox in the order's own transaction and leave the publishing to a relay or
to Debezium. The table patterns write the order and nothing else: others look into its table. Under
sagas an order is pending until its saga has ended: see `saga_http.py`.
"""

import json
import re
import threading
from typing import TYPE_CHECKING

from .calls import PARTICIPANTS, CallFailed, Calls
from .connector import Connector
from .db import Connection, Pool, Unavailable
from .events import AMENDED, CANCELLED, ERASED, PLACED, Event
from .process import log, run_until, stop_on_signal
from .settings import DUAL_WRITE, EVENT_DRIVEN, OUTBOX_PATTERNS, REST_SYNC, SAGAS, Settings
from .web import NOT_FOUND, Reply, Server, health

if TYPE_CHECKING:
    from .broker import Publisher

_AMEND_PATH = re.compile(r"/orders/([^/]+)/amend")
CANCEL_PATH = re.compile(r"/orders/([^/]+)/cancel")
ORDER_PATH = re.compile(r"/orders/([^/]+)")
_NAME = re.compile(r"[\w.~-]{1,100}", re.ASCII)
_MOST = 1_000_000


class NotTold(Exception):
    """The broker did not take an event; it may have it all the same."""


class OrderService:
    """The HTTP routes. `publisher` or `calls` is there where orders are told of without an outbox;
    where there is none of the three, the table itself is read."""

    def __init__(
        self,
        pool: Pool,
        publisher: "Publisher | None" = None,
        *,
        outbox: bool = False,
        tell_first: bool = False,
        calls: Calls | None = None,
    ) -> None:
        self._pool = pool
        self._calls = calls
        self._publisher = publisher
        self._outbox = outbox
        self._tell_first = tell_first

    def route(self, method: str, path: str, body: bytes) -> Reply:
        """2xx: done and durable. 4xx: refused, nothing changed. 503: done or not, unknown."""
        try:
            return self._route(method, path, body)
        except Unavailable as error:
            log(f"{method} {path}: database: {error}")
            return Reply(status=503, body={"error": "database out of reach"})
        except NotTold as error:
            log(f"{method} {path}: {error}")
            return Reply(status=503, body={"error": "broker out of reach"})
        except CallFailed as error:
            log(f"{method} {path}: refused: {error}")
            return Reply(status=503, body={"error": f"refused: {error}"})

    def _route(self, method: str, path: str, body: bytes) -> Reply:
        if (method, path) == ("POST", "/orders"):
            return self._place(body)
        if method == "POST" and (match := _AMEND_PATH.fullmatch(path)):
            return self._amend(match[1], body)
        if method == "POST" and (match := CANCEL_PATH.fullmatch(path)):
            return self._cancel(match[1])
        if method == "GET" and (match := ORDER_PATH.fullmatch(path)):
            return shown(self._pool, match[1])
        if method == "DELETE" and (match := ORDER_PATH.fullmatch(path)):
            return self._erase(match[1])
        return health(method, path, self._healthy) or NOT_FOUND

    def _healthy(self) -> bool:
        return self._pool.answers() and (self._publisher is None or self._publisher.connected)

    def _place(self, body: bytes) -> Reply:
        try:
            order_id, product_id, quantity = parse_order(body)
        except ValueError as error:
            return Reply(status=400, body={"error": str(error)})
        event = Event.new(PLACED, order_id, product_id, quantity, 1)
        with self._pool.transaction() as conn:
            is_new = conn.execute(
                "INSERT INTO orders (order_id, product_id, quantity, status, version)"
                " VALUES (%s, %s, %s, 'placed', 1) ON CONFLICT DO NOTHING",
                (order_id, product_id, quantity),
            ).rowcount
            if not is_new:
                return repeated(conn, order_id, product_id, quantity)
            self._record(conn, event)
        return self._tell(event, 201)

    def _amend(self, order_id: str, body: bytes) -> Reply:
        try:
            quantity = parse_quantity(body)
        except ValueError as error:
            return Reply(status=400, body={"error": str(error)})
        with self._pool.transaction() as conn:
            row = _locked(conn, order_id)
            if row is None:
                return NOT_FOUND
            product_id, _, status, version = row
            if status != "placed":
                return Reply(status=409, body={"error": f"order {order_id} is {status}"})
            event = Event.new(AMENDED, order_id, product_id, quantity, version + 1)
            conn.execute(
                "UPDATE orders SET quantity = %s, version = %s, updated_at = now()"
                " WHERE order_id = %s",
                (quantity, event.version, order_id),
            )
            self._record(conn, event)
        return self._tell(event, 200)

    def _cancel(self, order_id: str) -> Reply:
        with self._pool.transaction() as conn:
            row = _locked(conn, order_id)
            if row is None:
                return NOT_FOUND
            product_id, quantity, status, version = row
            if status != "placed":
                return Reply(status=200, body={"order_id": order_id, "status": status})
            event = Event.new(CANCELLED, order_id, product_id, quantity, version + 1)
            conn.execute(
                "UPDATE orders SET status = 'cancelled', version = %s, updated_at = now()"
                " WHERE order_id = %s",
                (event.version, order_id),
            )
            self._record(conn, event)
        return self._tell(event, 200)

    def _erase(self, order_id: str) -> Reply:
        """The row goes, as a customer may demand. Ids of orders are never used again."""
        with self._pool.transaction() as conn:
            row = conn.execute(
                "DELETE FROM orders WHERE order_id = %s RETURNING product_id, quantity, version",
                (order_id,),
            ).fetchone()
            if row is None:
                return NOT_FOUND
            product_id, quantity, version = row
            event = Event.new(ERASED, order_id, product_id, quantity, version + 1)
            self._record(conn, event)
        return self._tell(event, 200)

    def _record(self, conn: Connection, event: Event) -> None:
        """Within the order's transaction: the outbox row, or, too early, the event itself or the
        calls that do what it tells."""
        if self._calls is not None:
            self._calls.tell(event)
            return
        if self._publisher is not None:
            if self._tell_first:
                self._publish(self._publisher, event)
            return
        if not self._outbox:
            return
        conn.execute(
            "INSERT INTO outbox (id, aggregatetype, aggregateid, type, version, payload)"
            " VALUES (%s, 'order', %s, %s, %s, %s::jsonb)",
            (event.event_id, event.order_id, event.type, event.version, event.as_json()),
        )

    def _tell(self, event: Event, status: int) -> Reply:
        """After the commit: publish where nobody has, then answer."""
        if self._publisher is not None and not self._tell_first:
            self._publish(self._publisher, event)
        log(f"order {event.order_id}: {event.type} {event.event_id}")
        return Reply(status=status, body={"order_id": event.order_id, "version": event.version})

    def _publish(self, publisher: "Publisher", event: Event) -> None:
        if not publisher.publish([event.as_message()]):
            raise NotTold(f"order {event.order_id}: {event.type} not published")


def parse_order(body: bytes) -> tuple[str, str, int]:
    """Order, product and quantity as requested. Raises ValueError saying what is wrong."""
    match json.loads(body):
        case {"order_id": str(order_id), "product_id": str(product_id), "quantity": int(quantity)}:
            names = _NAME.fullmatch(order_id) and _NAME.fullmatch(product_id)
            if names and quantity is not True and 0 < quantity <= _MOST:
                return order_id, product_id, quantity
    raise ValueError(f"expected order_id and product_id (text) and quantity (1 to {_MOST})")


def parse_quantity(body: bytes) -> int:
    """The new quantity as requested. Raises ValueError saying what is wrong."""
    match json.loads(body):
        case {"quantity": int(quantity)} if quantity is not True and 0 < quantity <= _MOST:
            return quantity
    raise ValueError(f"expected quantity (1 to {_MOST})")


def _locked(conn: Connection, order_id: str) -> tuple[str, int, str, int] | None:
    """Product, quantity, status and version of an order, which is ours until the commit."""
    return conn.execute(
        "SELECT product_id, quantity, status, version FROM orders WHERE order_id = %s FOR UPDATE",
        (order_id,),
    ).fetchone()


def repeated(conn: Connection, order_id: str, product_id: str, quantity: int) -> Reply:
    """The same request again is answered, without a second event; another one is refused."""
    same = conn.execute(
        "SELECT product_id = %s AND quantity = %s FROM orders WHERE order_id = %s",
        (product_id, quantity, order_id),
    ).fetchone()
    if same == (True,):
        return Reply(status=200, body={"order_id": order_id})
    return Reply(status=409, body={"error": f"order {order_id} exists and differs"})


def shown(pool: Pool, order_id: str) -> Reply:
    """The order as it stands."""
    with pool.connection() as conn:
        row = conn.execute(
            "SELECT product_id, quantity, status, version FROM orders WHERE order_id = %s",
            (order_id,),
        ).fetchone()
    if row is None:
        return NOT_FOUND
    names = ("product_id", "quantity", "status", "version")
    return Reply(status=200, body={"order_id": order_id} | dict(zip(names, row, strict=True)))


def _publisher(settings: Settings) -> "Publisher | None":
    """The Kafka client is loaded only where the pattern publishes from here."""
    if settings.pattern not in {DUAL_WRITE, EVENT_DRIVEN}:
        return None
    from .broker import Publisher  # noqa: PLC0415 - a tenth of a second at each start

    return Publisher(settings)


def _calls(settings: Settings) -> Calls | None:
    """The others are called at the port that this service has, too."""
    if settings.pattern != REST_SYNC:
        return None
    return Calls([(name, settings.http_port) for name in PARTICIPANTS])


def main() -> None:
    """The whole program."""
    stop = stop_on_signal()
    settings = Settings.from_environment()
    log(f"order service, {settings.pattern}")
    if settings.pattern in SAGAS:
        from . import saga_http  # noqa: PLC0415 - it needs what is defined here

        saga_http.run(stop, settings)
        return
    service = OrderService(
        Pool(settings.database_url),
        _publisher(settings),
        outbox=settings.pattern in OUTBOX_PATTERNS,
        tell_first=settings.pattern == EVENT_DRIVEN,
        calls=_calls(settings),
    )
    server = Server(settings.http_port, service.route)
    if settings.connector is not None:
        watch = Connector(settings.connector).watch
        threading.Thread(target=watch, args=(stop,), daemon=True).start()
    run_until(stop, lambda: server.drain() if stop.wait() else None)


if __name__ == "__main__":
    main()
