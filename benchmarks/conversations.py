"""Conversations for `parsers.py`: the messages of clients and servers, as they pass under load."""

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from struct import pack
from typing import Protocol

import pyarrow as pa

from harness.wire.http import HttpParser
from harness.wire.kafka import KafkaParser
from harness.wire.kafka_records import Limits
from harness.wire.postgres import PostgresConnection

CHUNK = 64 * 1024
"""What one read of a socket gives when there is much."""

Round = list[tuple[str, bytes]]
"""`>` of the client, `<` of the server."""


class Connection(Protocol):
    """What every parser offers."""

    def feed_client(self, data: bytes, /) -> Sequence[object]: ...

    def feed_server(self, data: bytes, /) -> Sequence[object]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`rounds` are fed over and over after `before`."""

    open: Callable[[bool], Connection]
    rounds: list[Round]
    before: Round

    @property
    def size(self) -> float:
        """Bytes of a round."""
        return sum(len(data) for chunks in self.rounds for _, data in chunks) / len(self.rounds)


# PostgreSQL


def _typed(kind: str, body: bytes = b"") -> bytes:
    return kind.encode() + pack(">i", len(body) + 4) + body


def _query(sql: str) -> tuple[str, bytes]:
    return ">", _typed("Q", sql.encode() + b"\0")


def _complete(tag: str, status: str = "I") -> bytes:
    return _typed("C", tag.encode() + b"\0") + _typed("Z", status.encode())


_START = (">", pack(">ii", 19, 196608) + b"user\0shop\0\0")
_READY = ("<", _typed("R", pack(">i", 0)) + _typed("Z", b"I"))
_COLUMNS = _typed("T", b"\0\x01abalance\0" + bytes(18))
_ROW = _typed("D", b"\0\x01\0\0\0\x05-1234")
_FOUND = _COLUMNS + _ROW + _complete("SELECT 1")
_PORTAL = _typed("D", b"P\0")
_EXECUTE = _typed("E", bytes(5))
_SYNC = _typed("S")


def _parse(name: str, sql: str) -> bytes:
    return _typed("P", f"{name}\0{sql}\0".encode() + b"\0\0")


def _bind(name: str, *params: str) -> bytes:
    values = b"".join(pack(">i", len(p)) + p.encode() for p in params)
    body = b"\0" + name.encode() + b"\0\0\0" + pack(">h", len(params)) + values + b"\0\0"
    return _typed("B", body)


def _postgres(rounds: list[Round], before: Round) -> Case:
    return Case(
        open=lambda terse: PostgresConnection(terse=terse),
        rounds=rounds,
        before=[_START, _READY, *before],
    )


_SELECT = "SELECT abalance FROM pgbench_accounts WHERE aid = "


def _select_simple(chance: Random) -> Case:
    """`pgbench -S`: another literal each time."""
    asked = [_query(f"{_SELECT}{chance.randint(1, 100_000)};") for _ in range(5000)]
    return _postgres([[query, ("<", _FOUND)] for query in asked], [])


def _select_extended(chance: Random) -> Case:
    """`pgbench -S -M extended`."""
    head = _parse("", f"{_SELECT}$1;")
    tail = _PORTAL + _EXECUTE + _SYNC
    found = _typed("1") + _typed("2") + _FOUND
    asked = [head + _bind("", str(chance.randint(1, 100_000))) + tail for _ in range(5000)]
    return _postgres([[(">", data), ("<", found)] for data in asked], [])


def _select_prepared(chance: Random) -> Case:
    """`pgbench -S -M prepared`."""
    before = [(">", _parse("P_0", f"{_SELECT}$1;") + _SYNC), ("<", _typed("1") + _READY[1][9:])]
    tail = _PORTAL + _EXECUTE + _SYNC
    asked = [_bind("P_0", str(chance.randint(1, 100_000))) + tail for _ in range(5000)]
    found = _typed("2") + _FOUND
    return _postgres([[(">", data), ("<", found)] for data in asked], before)


def _tpc_b(chance: Random) -> Case:
    """`pgbench`, its default transaction: seven statements."""
    return _postgres([_tpc_b_round(chance) for _ in range(2000)], [])


def _tpc_b_round(chance: Random) -> Round:
    account, teller, delta = (
        chance.randint(1, 100_000), chance.randint(1, 10), chance.randint(-5000, 5000),
    )  # fmt: skip
    update = "UPDATE pgbench_{0} SET {1}balance = {1}balance + {2} WHERE {1}id = {3};"
    history = "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES "
    updated = ("<", _complete("UPDATE 1", "T"))
    return [
        _query("BEGIN;"), ("<", _complete("BEGIN", "T")),
        _query(update.format("accounts", "a", delta, account)), updated,
        _query(f"{_SELECT}{account};"),
        ("<", _COLUMNS + _ROW + _complete("SELECT 1", "T")),
        _query(update.format("tellers", "t", delta, teller)), updated,
        _query(update.format("branches", "b", delta, 1)), updated,
        _query(f"{history}({teller}, 1, {account}, {delta}, CURRENT_TIMESTAMP);"),
        ("<", _complete("INSERT 0 1", "T")),
        _query("END;"), ("<", _complete("COMMIT")),
    ]  # fmt: skip


def _jdbc(chance: Random) -> Case:
    """An insert and its commit, whose text is not on the wire any more."""
    texts = (("S_1", "BEGIN"), ("S_2", "INSERT INTO orders VALUES ($1, $2)"), ("S_3", "COMMIT"))
    before = [
        (">", b"".join(_parse(*text) for text in texts) + _SYNC),
        ("<", _typed("1") * 3 + _typed("Z", b"I")),
    ]
    begun = _bind("S_1") + _EXECUTE
    done = _typed("2") + _typed("C", b"BEGIN\0") + _typed("2") + _typed("n")
    rounds: list[Round] = []
    for _ in range(2000):
        insert = _bind("S_2", str(chance.randint(1, 100_000)), '{"v":1}') + _PORTAL + _EXECUTE
        rounds.append([
            (">", begun + insert + _SYNC), ("<", done + _complete("INSERT 0 1", "T")),
            (">", _bind("S_3") + _EXECUTE + _SYNC), ("<", _typed("2") + _complete("COMMIT")),
        ])  # fmt: skip
    return _postgres(rounds, before)


def _rows(size: int) -> list[bytes]:
    """4 MiB of messages of this size in chunks that end anywhere."""
    data = _typed("d", b"x" * (size - 5)) * ((4 << 20) // size)
    return [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]


def _copy_in(size: int) -> Callable[[Random], Case]:
    def make(_chance: Random) -> Case:
        before = [_query("COPY a FROM STDIN"), ("<", _typed("G", b"\0\0\0"))]
        return _postgres([[(">", chunk)] for chunk in _rows(size)], before)

    return make


def _copy_out(_chance: Random) -> Case:
    before = [_query("COPY a TO STDOUT"), ("<", _typed("H", b"\0\0\0"))]
    return _postgres([[("<", chunk)] for chunk in _rows(100)], before)


def _replication(chance: Random) -> Case:
    """A transaction of one row of five columns, and the flush that answers it."""

    def column(text: str) -> bytes:
        return b"t" + pack(">i", len(text)) + text.encode()

    def sent(message: bytes) -> bytes:
        return _typed("d", b"w" + bytes(24) + message)

    names = b"".join(b"\0" + name + bytes(9) for name in (b"id", b"key", b"type", b"at", b"body"))
    before = [
        _query("START_REPLICATION SLOT \"s\" LOGICAL 0/0 (proto_version '1')"),
        ("<", _typed("W", b"\0\0\0")),
        ("<", sent(b"R" + pack(">i", 7) + b"public\0outbox\0d\0\x05" + names)),
    ]
    rounds: list[Round] = []
    for xid in range(1000):
        key = str(chance.randint(1, 100_000))
        row = [key, f"e{key}", "placed", "2026-01-01 12:00:00+00", f'{{"order_id":"{key}"}}']
        columns = b"N\0\x05" + b"".join(map(column, row))
        begun = sent(b"B" + bytes(16) + pack(">i", xid))
        ended = sent(b"C" + bytes(25))
        flush = _typed("d", b"r" + bytes(33))
        rounds.append([("<", begun + sent(b"I" + pack(">i", 7) + columns) + ended), (">", flush)])
    return _postgres(rounds, before)


# Kafka


def _varint(value: int) -> bytes:
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _record(place: int, chance: Random) -> bytes:
    """100 bytes of value."""
    key = str(chance.randint(1, 100_000)).encode()
    value = f'{{"order_id":"{key.decode()}","sum":{chance.random()},"to":"'.encode()
    value = value.ljust(98, b"-") + b'"}'
    body = b"\0" + _varint(chance.randint(0, 99)) + _varint(place)
    body += _varint(len(key)) + key + _varint(len(value)) + value + b"\0"
    return _varint(len(body)) + body


_PACK: dict[int, Callable[[bytes], bytes]] = {
    0: bytes,
    1: gzip.compress,
    2: lambda data: bytes(pa.compress(data, "snappy", asbytes=True)),
    3: lambda data: bytes(pa.compress(data, "lz4", asbytes=True)),
}


def _batch(count: int, codec: int, chance: Random) -> bytes:
    records = _PACK[codec](b"".join(_record(i, chance) for i in range(count)))
    head = pack(">ibIhiqqqhii", -1, 2, 0, codec, count - 1, 0, 0, 4000, 0, 0, count)
    return pack(">qi", 0, len(head) + len(records)) + head + records


def _sized(message: bytes) -> bytes:
    return pack(">i", len(message)) + message


def _asked(key: int, version: int, number: int, body: bytes) -> bytes:
    """A request of a flexible version."""
    return _sized(pack(">hhih", key, version, number, 5) + b"order\0" + body)


def _kafka(rounds: list[Round], limits: Limits | None = None) -> Case:
    return Case(
        open=lambda terse: KafkaParser(limits=limits, terse=terse), rounds=rounds, before=[]
    )


def _chunks(side: str, data: bytes) -> Round:
    return [(side, data[at : at + CHUNK]) for at in range(0, len(data), CHUNK)]


def _compact(data: bytes) -> bytes:
    size, out = len(data) + 1, bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes((*out, size)) + data


def _produce(count: int, codec: int, limits: Limits | None = None) -> Callable[[Random], Case]:
    def make(chance: Random) -> Case:
        rounds = []
        for number in range(max(4, 1000 // count)):
            records = _compact(_batch(count, codec, chance)) + b"\0"
            body = b"\0\xff\xff" + pack(">i", 30_000) + b"\x02\x0dorder.events\x02"
            asked = _asked(0, 9, number, body + pack(">i", 1) + records + b"\0\0")
            told = b"\0\x02\x0dorder.events\x02" + pack(">ihqqq", 1, 0, number, -1, 0)
            answer = _sized(pack(">i", number) + told + b"\x01\0\0\0" + bytes(5))
            rounds.append([*_chunks(">", asked), ("<", answer)])
        return _kafka(rounds, limits)

    return make


def _fetch(_chance: Random) -> Case:
    """1 MiB of records."""
    rounds = []
    for number in range(4):
        answer = _sized(pack(">i", number) + bytes(1 << 20))
        rounds.append([(">", _asked(1, 12, number, bytes(60))), *_chunks("<", answer)])
    return _kafka(rounds)


def _heartbeat(_chance: Random) -> Case:
    rounds: list[Round] = []
    for number in range(100):
        asked = _asked(12, 4, number, b"\x0ainventory" + pack(">i", 3) + b"\x09member-1\0\0")
        answer = _sized(pack(">i", number) + b"\0" + bytes(4) + b"\0\0\0")
        rounds.append([(">", asked), ("<", answer)])
    return _kafka(rounds)


# HTTP


def _http(body: int) -> Callable[[Random], Case]:
    """A POST and its answer."""

    def make(_chance: Random) -> Case:
        asked = (
            b"POST /orders HTTP/1.1\r\nHost: order:8080\r\nUser-Agent: python\r\nAccept: */*\r\n"
            b"X-Request-Id: 17\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        ) % body + bytes(body)
        answer = (
            b"HTTP/1.1 201 Created\r\nServer: shop\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
            b"Content-Type: application/json\r\nContent-Length: 20\r\n\r\n" + bytes(20)
        )
        return Case(
            open=lambda terse: HttpParser(terse=terse),
            rounds=[[*_chunks(">", asked), ("<", answer)]],
            before=[],
        )

    return make


_ALL = Limits(records_in_all=1 << 60)
_FEW = Limits(records_in_all=0)
"""Records as they are read of a connection that has sent so many that no more are."""

CASES: dict[str, Callable[[Random], Case]] = {
    "select, simple": _select_simple,
    "select, extended": _select_extended,
    "select, prepared": _select_prepared,
    "tpc-b, 7 round trips": _tpc_b,
    "jdbc insert and commit, 2 trips": _jdbc,
    "copy in, 64 KiB of 100 bytes": _copy_in(100),
    "copy in, 64 KiB of 8 KiB": _copy_in(8192),
    "copy out, 64 KiB of 100 bytes": _copy_out,
    "replication, one row": _replication,
    "produce 1": _produce(1, 0, _ALL),
    "produce 1, lz4": _produce(1, 3, _ALL),
    "produce 10": _produce(10, 0, _ALL),
    "produce 100": _produce(100, 0, _ALL),
    "produce 100, gzip": _produce(100, 1, _ALL),
    "produce 100, snappy": _produce(100, 2, _ALL),
    "produce 100, lz4": _produce(100, 3, _ALL),
    "produce 1000": _produce(1000, 0, _ALL),
    "produce 1000, gzip": _produce(1000, 1, _ALL),
    "produce 1000, snappy": _produce(1000, 2, _ALL),
    "produce 1000, lz4": _produce(1000, 3, _ALL),
    "produce 100 after a million": _produce(100, 0, _FEW),
    "produce 1000 after a million": _produce(1000, 0, _FEW),
    "produce 1000 after a million, lz4": _produce(1000, 3, _FEW),
    "fetch 1 MiB": _fetch,
    "heartbeat": _heartbeat,
    "http post": _http(40),
    "http post 1 MiB": _http(1 << 20),
}
"""Name → case."""
