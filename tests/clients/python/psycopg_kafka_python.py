"""The flow with psycopg and kafka-python; see README.md beside compose.yaml."""

import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import psycopg
from kafka import KafkaProducer

PRODUCTS = ("anvil", "rocket")
"""Both products of every order: two rows of order_lines."""

ready, begun = Event(), Event()


class Answers(BaseHTTPRequestHandler):
    """GET /health: 200 once the database and the broker were reached; POST /start."""

    def do_GET(self) -> None:
        self.answer(200 if ready.is_set() else 503)

    def do_POST(self) -> None:
        begun.set()
        self.answer(202)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The log is for orders."""


def listen() -> None:
    """Answer in the background."""
    server = ThreadingHTTPServer(("", int(os.environ["HTTP_PORT"])), Answers)
    Thread(target=server.serve_forever, daemon=True).start()


def insert(connection: psycopg.Connection, order_id: str) -> None:
    """One transaction: the order and its lines."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders (order_id, product_id, quantity) VALUES (%s, %s, %s)",
            (order_id, PRODUCTS[0], len(PRODUCTS)),
        )
        cursor.executemany(
            "INSERT INTO order_lines (order_id, line, product_id) VALUES (%s, %s, %s)",
            [(order_id, line, product) for line, product in enumerate(PRODUCTS, start=1)],
        )


def main() -> None:
    """Write orders until something fails; whoever started this starts it again."""
    listen()
    topic = os.environ["TOPIC"]
    pause_s = int(os.environ.get("PAUSE_MS", "40")) / 1000
    last = int(os.environ.get("LAST_ORDER", "0"))
    producer = KafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP"], acks="all")
    producer.partitions_for(topic)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        newest = "SELECT coalesce(max(order_id::integer), 0) FROM orders"
        [number] = connection.execute(newest).fetchone() or (0,)
        ready.set()
        if number == 0 and os.environ.get("START") == "on-request":
            begun.wait()
        while True:
            if last and number >= last:
                Event().wait()
            number += 1
            order_id = str(number)
            insert(connection, order_id)
            # What happens here is lost.
            value = json.dumps({"order_id": order_id, "quantity": len(PRODUCTS)})
            producer.send(topic, key=order_id.encode(), value=value.encode()).get(timeout=30)
            print("order", order_id, flush=True)
            time.sleep(pause_s)


if __name__ == "__main__":
    main()
