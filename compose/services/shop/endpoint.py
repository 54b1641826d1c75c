"""A service that does its part of an order: told by event, or, under rest-sync, called over HTTP.

Called: `POST /events` with the event, which is applied before it is answered.
"""

from .consumer import run_consumer
from .db import Pool, Unavailable
from .events import decode
from .inbox import Effect, apply_once
from .process import log, run_until, stop_on_signal
from .settings import REST_SYNC, Settings
from .web import NOT_FOUND, Reply, Server, health


class Endpoint:
    """The HTTP routes of a participant that is called."""

    def __init__(self, pool: Pool, effect: Effect) -> None:
        self._pool = pool
        self._effect = effect

    def route(self, method: str, path: str, body: bytes) -> Reply:
        """200: applied, now or before. 503: done or not, unknown."""
        if (method, path) != ("POST", "/events"):
            return health(method, path, self._pool.answers) or NOT_FOUND
        try:
            event = decode(body)
        except (ValueError, TypeError) as error:
            return Reply(status=400, body={"error": str(error)})
        try:
            is_new = apply_once(self._pool, event, self._effect)
        except Unavailable as error:
            log(f"order {event.order_id}: database: {error}")
            return Reply(status=503, body={"error": "database out of reach"})
        return Reply(status=200, body={"order_id": event.order_id, "new": is_new})


def run_told(settings: Settings, name: str, effect: Effect) -> None:
    """The whole program, as the pattern wants it."""
    if settings.pattern == REST_SYNC:
        _serve(settings, name, effect)
    else:
        run_consumer(settings, name, effect)


def _serve(settings: Settings, name: str, effect: Effect) -> None:
    stop = stop_on_signal()
    log(f"{name} service, called over HTTP")
    server = Server(settings.http_port, Endpoint(Pool(settings.database_url), effect).route)
    run_until(stop, lambda: server.drain() if stop.wait() else None)
