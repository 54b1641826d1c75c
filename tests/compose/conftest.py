"""The shop's services as processes of their own, on real servers. For tests marked `stack`."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import psycopg
import pytest

COMPOSE = Path(__file__).resolve().parents[2] / "compose"
CONSUMERS = ("inventory", "payment", "shipping", "review", "notification")
DATABASES = {"order": "orders", **{name: name for name in CONSUMERS}}
LEDGERS = {
    "inventory": "stock_movements",
    "payment": "payment_movements",
    "shipping": "shipment_changes",
    "review": "review_changes",
    "notification": "pushes",
}
WITHIN_S = 30.0


@dataclass(kw_only=True)
class Shop:
    """One PostgreSQL and one broker serve all services; topic and databases are this test's."""

    postgres: str
    kafka: str
    connect: str
    pattern: str
    topic: str = field(default_factory=lambda: f"order.events.{uuid4().hex[:8]}")
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def url(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://shop:shop@{self.postgres}/{database}"

    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def create_databases(self) -> None:
        """Empty ones, by the shop's own scripts."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_drop_replication_slot(slot_name)"
                               " FROM pg_replication_slots WHERE NOT active")  # fmt: skip
            for name in DATABASES.values():
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
                connection.execute(f"CREATE DATABASE {name}".encode())
        for service, name in DATABASES.items():
            with psycopg.connect(self.url(name), autocommit=True) as connection:
                connection.execute((COMPOSE / "sql" / f"{service}.sql").read_bytes())

    def execute(self, database: str, command: str) -> None:
        """What returns no rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(command.encode())

    def start(self, *services: str) -> None:
        """Start services, or start them again, and wait until they are healthy."""
        for service in services:
            self.launch(service)
        for service in services:
            self.wait(partial(self.is_healthy, service), f"{service} is healthy")

    def start_all(self, *others: str) -> None:
        """Every consumer, *order*, and the others."""
        self.start(*CONSUMERS, "order", *others)

    def launch(self, service: str) -> None:
        """Start a service and wait for nothing."""
        port = self.ports.setdefault(service, free_port())
        environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": self.url(DATABASES.get(service, "orders")),
            "KAFKA_BOOTSTRAP": self.kafka,
            "TOPIC": self.topic,
            "PATTERN": self.pattern,
            "HTTP_PORT": str(port),
        }
        command = [sys.executable, "-m", f"shop.{service}"]
        self.processes[service] = subprocess.Popen(
            command, cwd=COMPOSE / "services", env=environment
        )

    def is_healthy(self, service: str) -> bool:
        """Whether it says so itself."""
        return self.ask(service, "GET", "/health")[0] == 200

    def kill(self, service: str) -> None:
        """SIGKILL."""
        self.end(service, signal.SIGKILL)

    def end(self, service: str, by: signal.Signals) -> int:
        """End a service by a signal; returns its exit code."""
        process = self.processes.pop(service)
        process.send_signal(by)
        return process.wait(10)

    def ask(
        self, service: str, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[int | None, Any]:
        """Status and JSON; None where there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[service], timeout=10)
        try:
            connection.request(method, path, body=json.dumps(body) if body else None)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except OSError:
            return None, None
        finally:
            connection.close()

    def place(self, order_id: str, quantity: int = 1) -> int | None:
        """Order that many anvils."""
        order = {"order_id": order_id, "product_id": "anvil", "quantity": quantity}
        return self.ask("order", "POST", "/orders", order)[0]

    def cancel(self, order_id: str) -> int | None:
        """Cancel an order."""
        return self.ask("order", "POST", f"/orders/{order_id}/cancel")[0]

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Await a condition."""
        until = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < until, f"not within {WITHIN_S:g} s: {what}"
            time.sleep(0.02)

    def wait_applied(self, events: int) -> None:
        """Until every consumer that was started has so many effects."""
        for name in [name for name in CONSUMERS if name in self.processes]:
            self.wait(partial(self.has_applied, name, events), f"{events} effects of {name}")

    def has_applied(self, consumer: str, events: int) -> bool:
        """Whether so many effects are in a consumer's ledger."""
        return len(self.applied(consumer)) >= events

    def movements(self) -> list[tuple[Any, ...]]:
        """The stock ledger: order, version, delta."""
        query = "SELECT order_id, version, delta FROM stock_movements ORDER BY applied_at"
        return self.rows("inventory", query)

    def applied(self, consumer: str) -> list[tuple[Any, ...]]:
        """A consumer's ledger: order, version."""
        query = f"SELECT order_id, version FROM {LEDGERS[consumer]} ORDER BY applied_at"
        return self.rows(consumer, query)


def free_port() -> int:
    """One that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


class Servers(Protocol):
    """What the shop needs of the fixture."""

    @property
    def postgres(self) -> str: ...
    @property
    def kafka(self) -> str: ...
    @property
    def connect(self) -> str: ...


@pytest.fixture
def shop_of(servers: Servers) -> Iterator[Callable[[str], Shop]]:
    """Makes the shop of a pattern, with nothing started but its databases."""
    made: list[Shop] = []

    def make(pattern: str) -> Shop:
        shop = Shop(
            postgres=servers.postgres,
            kafka=servers.kafka,
            connect=servers.connect,
            pattern=pattern,
        )
        made.append(shop)
        shop.create_databases()
        return shop

    try:
        yield make
    finally:
        for shop in made:
            for service in tuple(shop.processes):
                with suppress(ProcessLookupError):
                    shop.end(service, signal.SIGTERM)
