"""The orchestrator of saga-orchestration: keeps a log of every saga and commands its steps.

A message is one transaction: its id into the inbox, the saga's next state and a line of its history
into the log, the commands into the outbox. So a crash at any moment leaves a saga either before the
message, which then comes again, or after it, with its commands ready to be sent.
"""

import threading
from dataclasses import replace
from functools import partial

from .broker import Publisher
from .consumer import Consumer
from .db import Connection, Pool, Unavailable
from .events import Event
from .orchestration import LIMITED, MOVES, TIMED_OUT, State
from .process import log, run_until, stop_on_signal, together
from .relay import Relay
from .saga_messages import COMMANDS, REPLIES, read, tell
from .settings import Settings
from .web import serve_health

_LOOK_S = 0.25
"""How often the orchestrator looks for sagas that take too long."""


def move(conn: Connection, event: Event) -> None:
    """Bring the message's saga on, by the table."""
    state = _begun(conn, event)
    found = MOVES.get((state, event.type))
    if found is None:
        log(f"order {event.order_id}: {event.type} moves nothing, {state}")
        return
    conn.execute(
        "UPDATE sagas SET state = %s, updated_at = now() WHERE order_id = %s",
        (found.to, event.order_id),
    )
    conn.execute(
        "INSERT INTO saga_history (order_id, state, message, next_state) VALUES (%s, %s, %s, %s)",
        (event.order_id, state, event.type, found.to),
    )
    for command in found.commands:
        tell(conn, command, event)
    log(f"order {event.order_id}: {event.type}, {state} to {found.to}")


def _begun(conn: Connection, event: Event) -> State:
    """The state of the message's saga, which is locked; the first message begins it."""
    conn.execute(
        "INSERT INTO sagas (order_id, product_id, quantity, state) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (event.order_id, event.product_id, event.quantity, State.NEW),
    )
    row = conn.execute(
        "SELECT state FROM sagas WHERE order_id = %s FOR UPDATE", (event.order_id,)
    ).fetchone()
    return State.NEW if row is None else State(row[0])


def give_up_late(pool: Pool, limit_s: float) -> int:
    """Turn sagas round that take too long; returns how many. Raises Unavailable.

    Each in a transaction of its own, so that one does not hold up the others.
    """
    with pool.connection() as conn:
        late = conn.execute(
            "SELECT order_id, product_id, quantity FROM sagas WHERE state = ANY(%s)"
            " AND started_at < now() - make_interval(secs => %s) ORDER BY started_at",
            (list(LIMITED), limit_s),
        ).fetchall()
    for order_id, product_id, quantity in late:
        with pool.transaction() as conn:
            move(conn, Event.new(TIMED_OUT, order_id, product_id, quantity, 1))
    return len(late)


def _watch(pool: Pool, limit_s: float, stop: threading.Event) -> None:
    while not stop.wait(_LOOK_S):
        try:
            if late := give_up_late(pool, limit_s):
                log(f"{late} sagas took longer than {limit_s:g} s and are given up")
        except Unavailable as error:
            log(f"database: {error}")


def main() -> None:
    """The whole program."""
    stop = stop_on_signal()
    settings = Settings.from_environment()
    log("orchestrator")
    pool = Pool(settings.database_url)
    publisher = Publisher(replace(settings, topic=COMMANDS))
    replies = replace(settings, topic=REPLIES)
    consumer = Consumer(replies, "orchestrator", pool, move, decode=read)
    relay = Relay(pool, publisher, settings.retention_s)
    serve_health(settings.http_port, lambda: publisher.connected and consumer.healthy())
    works = (
        partial(consumer.run, stop),
        partial(relay.run, stop),
        partial(_watch, pool, settings.saga_timeout_s, stop),
    )
    run_until(stop, together(stop, works))


if __name__ == "__main__":
    main()
