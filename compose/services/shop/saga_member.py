"""A service that takes part in sagas: it reacts to messages, and tells by an outbox what it did.

Each message is one transaction: its id into the inbox, the effect, and what is told of it into the
outbox. A relay in the same process publishes from there.
"""

import threading
from collections.abc import Callable, Sequence

from .broker import Publisher
from .consumer import Consumer
from .db import Connection, Pool
from .events import Event
from .process import log, run_until, stop_on_signal, together
from .relay import Relay
from .saga_messages import listening, read, speaking
from .saga_reactions import REACTIONS, Act
from .saga_step import Step
from .settings import Settings
from .web import serve_health

Apply = Callable[[Act, Connection, Event], None]


class Member:
    """One service's part: what it hears, does and tells. Without a publisher it tells nothing."""

    def __init__(
        self, name: str, settings: Settings, pool: Pool, publisher: Publisher | None, apply: Apply
    ) -> None:
        self.pool = pool
        self._reactions = REACTIONS[settings.pattern][name]
        self._apply = apply
        self._publisher = publisher
        self._settings = settings
        self._consumer = Consumer(
            listening(settings), name, pool, self._react, decode=self._what_concerns_it
        )

    def healthy(self) -> bool:
        told = self._publisher is None or self._publisher.connected
        return told and self._consumer.healthy()

    def work(self, stop: threading.Event) -> list[Callable[[], None]]:
        """What runs side by side until `stop`."""
        found = [lambda: self._consumer.run(stop)]
        if self._publisher is not None:
            relay = Relay(self.pool, self._publisher, self._settings.retention_s)
            found.append(lambda: relay.run(stop))
        return found

    def _what_concerns_it(self, value: bytes | None) -> Event | None:
        event = read(value)
        return event if event.type in self._reactions else None

    def _react(self, conn: Connection, event: Event) -> None:
        self._apply(self._reactions[event.type], conn, event)


def run_member(
    stop: threading.Event, member: Member, more: Sequence[Callable[[], None]] = ()
) -> None:
    """Until `stop`, or until one of its parts ends, which is a crash of all."""
    run_until(stop, together(stop, [*member.work(stop), *more]))


def run_participant(name: str, settings: Settings, step: Step) -> None:
    """The whole program of a service that has a step to do."""
    stop = stop_on_signal()
    log(f"{name} service, {settings.pattern}")

    def apply(act: Act, conn: Connection, event: Event) -> None:
        (step.do if act is Act.DO else step.undo)(conn, event)

    publisher = Publisher(speaking(settings))
    member = Member(name, settings, Pool(settings.database_url), publisher, apply)
    serve_health(settings.http_port, member.healthy)
    run_member(stop, member)


def run_listener(
    name: str, settings: Settings, effect: Callable[[Connection, Event], None]
) -> None:
    """The whole program of a service that only hears how sagas end."""
    stop = stop_on_signal()
    log(f"{name} service, {settings.pattern}")
    pool = Pool(settings.database_url)
    member = Member(name, settings, pool, None, lambda _, conn, event: effect(conn, event))
    serve_health(settings.http_port, member.healthy)
    run_member(stop, member)
