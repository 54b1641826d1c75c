"""The order service under sagas: HTTP for customers, and the order's part in its saga.

An order is accepted as pending. A cancellation is accepted unless the saga has ended: an order
whose cancellation was accepted ends as cancelled.
"""

import threading
from functools import partial

from .broker import Publisher
from .db import Connection, Pool, Unavailable
from .events import Event
from .order import CANCEL_PATH, ORDER_PATH, parse_order, repeated, shown
from .process import log
from .saga_member import Member, run_member
from .saga_messages import ORDER_PLACED, speaking
from .saga_orders import CANCEL, CANCELLED, CANCELLING, change, fail_late, place, settle
from .saga_reactions import Act
from .settings import CHOREOGRAPHY, Settings
from .web import NOT_FOUND, Reply, Server, health

_LOOK_S = 0.25
"""How often the order service looks for orders that take too long."""


class SagaOrders:
    """The HTTP routes."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._pool = member.pool

    def route(self, method: str, path: str, body: bytes) -> Reply:
        """2xx: accepted and durable. 4xx: refused, nothing changed. 503: done or not, unknown."""
        try:
            return self._route(method, path, body)
        except Unavailable as error:
            log(f"{method} {path}: database: {error}")
            return Reply(status=503, body={"error": "database out of reach"})

    def _route(self, method: str, path: str, body: bytes) -> Reply:
        if (method, path) == ("POST", "/orders"):
            return self._place(body)
        if method == "POST" and (match := CANCEL_PATH.fullmatch(path)):
            return self._cancel(match[1])
        if method == "GET" and (match := ORDER_PATH.fullmatch(path)):
            return shown(self._pool, match[1])
        return health(method, path, self._member.healthy) or NOT_FOUND

    def _place(self, body: bytes) -> Reply:
        try:
            order_id, product_id, quantity = parse_order(body)
        except ValueError as error:
            return Reply(status=400, body={"error": str(error)})
        with self._pool.transaction() as conn:
            if not place(conn, Event.new(ORDER_PLACED, order_id, product_id, quantity, 1)):
                return repeated(conn, order_id, product_id, quantity)
        log(f"order {order_id}: pending")
        return Reply(status=202, body={"order_id": order_id, "status": "pending"})

    def _cancel(self, order_id: str) -> Reply:
        with self._pool.transaction() as conn:
            moved = change(conn, order_id, CANCEL)
        if moved is None:
            return NOT_FOUND
        log(f"order {order_id}: {moved[0]}, cancelled by its customer: {moved[1]}")
        accepted = moved[1] in {CANCELLING, CANCELLED}
        return Reply(
            status=202 if accepted else 409, body={"order_id": order_id, "status": moved[1]}
        )


def _apply(act: Act, conn: Connection, event: Event) -> None:
    if act is Act.SETTLE:
        settle(conn, event)
    else:
        change(conn, event.order_id, act)


def _watch(pool: Pool, limit_s: float, stop: threading.Event) -> None:
    while not stop.wait(_LOOK_S):
        try:
            if failed := fail_late(pool, limit_s):
                log(f"{failed} orders took longer than {limit_s:g} s and are given up")
        except Unavailable as error:
            log(f"database: {error}")


def run(stop: threading.Event, settings: Settings) -> None:
    """The whole program. Only without an orchestrator does it keep the time itself."""
    pool = Pool(settings.database_url)
    member = Member("order", settings, pool, Publisher(speaking(settings)), _apply)
    server = Server(settings.http_port, SagaOrders(member).route)
    more = [lambda: server.drain() if stop.wait() else None]
    if settings.pattern == CHOREOGRAPHY:
        more.append(partial(_watch, pool, settings.saga_timeout_s, stop))
    run_member(stop, member, more)
