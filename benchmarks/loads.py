"""The loads of `taps.py`: each is run once against one contender and tells what it measured.

pgbench (select-only and TPC-B-like, simple and prepared protocol), COPY in and out, a Kafka
producer's throughput and the time from a produce to its consumer.
"""

import os
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psycopg
from proxies import Servers

try:
    import confluent_kafka
    from confluent_kafka.admin import AdminClient, NewTopic
except ImportError:
    confluent_kafka = None

USER = PASSWORD = DATABASE = "bench"  # noqa: S105 (of a server that lives for a minute)
SCALE = 10
TOPIC = "bench"
_PARTITIONS = 4
_RECORD_BYTES = 1024
_MARGIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`value` is in the row's unit; `operations` is what processor time is divided by."""

    value: float
    operations: float
    p99: float | None = None
    """Of a latency; `value` is its median then."""
    latency_ms: float | None = None
    """The mean of an operation with one client, where there is one client only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. `more_is_better`: a rate; otherwise a latency."""

    name: str
    unit: str
    operation: str
    run: Callable[[Servers, float], Measured]
    """Given the servers and about how long it should take, in seconds."""
    more_is_better: bool = True
    uses: str = "postgres"


def has_kafka() -> bool:
    """Whether there is a client for it."""
    return confluent_kafka is not None


def rows() -> tuple[Row, ...]:
    """All, in the table's order."""
    found = [
        Row(
            name=f"{label}, {clients} client{'s' if clients > 1 else ''}, {mode}",
            unit="tps",
            operation="transaction",
            run=_pgbench(script, clients, mode),
        )
        for script, label in (("select-only", "select-only"), ("tpcb-like", "TPC-B"))
        for clients in (1, 4)
        for mode in ("simple", "prepared")
    ]
    return (
        *found,
        Row(name="COPY in", unit="MB/s", operation="MB", run=_copy_in),
        Row(name="COPY out", unit="MB/s", operation="MB", run=_copy_out),
        Row(name="produce, 1 KB", unit="MB/s", operation="MB", run=_produce, uses="kafka"),
        Row(
            name="produce to consume, p50", unit="ms", operation="record", run=_end_to_end,
            more_is_better=False, uses="kafka",
        ),
    )  # fmt: skip


def _conninfo(servers: Servers) -> str:
    host, port = servers.postgres
    return (
        f"host={host} port={port} user={USER} password={PASSWORD} dbname={DATABASE} sslmode=disable"
    )


def prepare(servers: Servers, copy_mb: float) -> None:
    """Tables and topics."""
    _run_pgbench(servers, "-i", "-q", "-s", str(SCALE))
    with psycopg.connect(_conninfo(servers), autocommit=True) as connection:
        connection.execute("CREATE UNLOGGED TABLE bulk_in (id int, payload text)")
        connection.execute("CREATE UNLOGGED TABLE bulk_out (id int, payload text)")
        connection.execute(
            "INSERT INTO bulk_out SELECT i, repeat('x', 1000) FROM generate_series(1, %s) AS i",
            (int(copy_mb * 1000),),
        )
        connection.execute("CHECKPOINT")
    if confluent_kafka is not None:
        admin = AdminClient({"bootstrap.servers": _text(servers.kafka)})
        topics = [NewTopic(TOPIC, _PARTITIONS), NewTopic(f"{TOPIC}-latency", 1)]
        for made in admin.create_topics(topics).values():
            made.result(_MARGIN_S)


# --- PostgreSQL -----------------------------------------------------------------------------------


def _pgbench(script: str, clients: int, mode: str) -> Callable[[Servers, float], Measured]:
    def run(servers: Servers, seconds: float) -> Measured:
        said = _run_pgbench(
            servers, "-n", "-b", script, "-M", mode, "-c", str(clients), "-j", "1",
            "-T", str(max(1, round(seconds))), margin_s=seconds,
        )  # fmt: skip
        latency_ms = float(_found(r"latency average = ([\d.]+) ms", said))
        return Measured(
            value=float(_found(r"tps = ([\d.]+)", said)),
            operations=float(_found(r"actually processed: (\d+)", said)),
            latency_ms=latency_ms if clients == 1 else None,
        )

    return run


def _run_pgbench(servers: Servers, *arguments: str, margin_s: float = 0.0) -> str:
    host, port = servers.postgres
    return subprocess.run(
        ["pgbench", "-h", host, "-p", str(port), "-U", USER, *arguments, DATABASE],
        env={**os.environ, "PGPASSWORD": PASSWORD, "PGSSLMODE": "disable"},
        stdin=subprocess.DEVNULL, capture_output=True, check=True, text=True,
        start_new_session=True, timeout=_MARGIN_S + margin_s,
    ).stdout  # fmt: skip


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"pgbench said something else than {pattern!r}: {text}")
    return match[1]


def _copy_in(servers: Servers, seconds: float) -> Measured:
    """Rows of 1 KB in blocks of 64 KB, for as long as it should take, then thrown away."""
    block = b"".join(b"%d\t%s\n" % (i, b"x" * 1000) for i in range(64))
    with psycopg.connect(_conninfo(servers)) as connection, connection.cursor() as cursor:
        began, sent = time.perf_counter(), 0
        with cursor.copy("COPY bulk_in FROM STDIN") as copy:
            while time.perf_counter() < began + seconds:
                copy.write(block)
                sent += len(block)
        took = time.perf_counter() - began
        connection.rollback()
        cursor.execute("TRUNCATE bulk_in")
        connection.commit()
    return Measured(value=sent / 1e6 / took, operations=sent / 1e6)


def _copy_out(servers: Servers, seconds: float) -> Measured:
    """Rows of 1 KB, the whole table as often as there is time for."""
    with psycopg.connect(_conninfo(servers)) as connection, connection.cursor() as cursor:
        began, got = time.perf_counter(), 0
        while not got or time.perf_counter() < began + seconds:
            with cursor.copy("COPY bulk_out TO STDOUT") as copy:
                got += sum(map(len, copy))
        took = time.perf_counter() - began
    return Measured(value=got / 1e6 / took, operations=got / 1e6)


# --- Kafka ----------------------------------------------------------------------------------------


def _text(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def _client(servers: Servers, **settings: str | int) -> Mapping[str, str | int]:
    return {
        "bootstrap.servers": _text(servers.kafka),
        "log_level": 0,
        **{name.replace("_", "."): value for name, value in settings.items()},
    }


def _produce(servers: Servers, seconds: float) -> Measured:
    """Batches as librdkafka makes them by itself, acks=all; until all are acknowledged."""
    producer = confluent_kafka.Producer(
        _client(servers, queue_buffering_max_messages=100_000, queue_buffering_max_kbytes=65_536)
    )
    value, sent = os.urandom(_RECORD_BYTES // 2).hex().encode(), 0
    failed: list[object] = []

    def delivered(error: object, _message: object) -> None:
        if error is not None:
            failed.append(error)

    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        for _ in range(200):
            try:
                producer.produce(TOPIC, value, key=b"%d" % sent, on_delivery=delivered)
                sent += 1
            except BufferError:
                producer.poll(0.01)
        producer.poll(0)
    left = producer.flush(_MARGIN_S)
    took = time.perf_counter() - began
    if left or failed:
        raise SystemExit(f"{left} records were not delivered, {failed[:1]}")
    return Measured(value=sent * _RECORD_BYTES / 1e6 / took, operations=sent * _RECORD_BYTES / 1e6)


def _end_to_end(servers: Servers, seconds: float) -> Measured:
    """One record at a time, from the call that produces it to the poll that returns it."""
    topic = f"{TOPIC}-latency"
    producer = confluent_kafka.Producer(_client(servers, linger_ms=0))
    consumer = confluent_kafka.Consumer(
        _client(servers, group_id="bench", enable_auto_commit="false", fetch_wait_max_ms=500)
    )
    place = confluent_kafka.TopicPartition(topic, 0)
    _, place.offset = consumer.get_watermark_offsets(place, timeout=_MARGIN_S)
    consumer.assign([place])
    taken: list[float] = []
    value = b"x" * _RECORD_BYTES
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline or len(taken) < 100:
        began = time.perf_counter()
        producer.produce(topic, value, partition=0)
        producer.poll(0)
        message = consumer.poll(_MARGIN_S)
        if message is None or message.error() is not None:
            raise SystemExit(f"no record came: {message and message.error()}")
        taken.append((time.perf_counter() - began) * 1000)
    producer.flush(_MARGIN_S)
    consumer.close()
    # The first ones find connections and topics.
    taken = taken[20:]
    return Measured(
        value=statistics.median(taken),
        operations=len(taken) + 20,
        p99=statistics.quantiles(taken, n=100)[98],
    )
