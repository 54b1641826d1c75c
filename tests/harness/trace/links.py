"""Both ends of connections, played to a tracer byte for byte."""

from collections.abc import Iterable, Mapping, Sequence
from struct import pack

from harness.model.effect import Effect, Outcome
from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.trace.tracer import Tracer
from tests.harness.wire.conversations import done, message, query, ready, startup

KEY_COLUMNS = frozenset({"order_id", "aggregateid"})
EVENT = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a01"
"""An event's id."""

_numbers = iter(range(1, 1 << 30))


class Connection:
    """One connection; `frames` are all that were told."""

    def __init__(self, tracer: Tracer, client: str, server: str, protocol: str) -> None:
        self.reader = tracer.open(client, server, next(_numbers), protocol)
        self.frames: list[Frame] = []

    def sends(self, data: bytes) -> list[Frame]:
        """The client says this."""
        return self._fed(FROM_CLIENT, data)

    def gets(self, data: bytes) -> list[Frame]:
        """The server says this."""
        return self._fed(FROM_SERVER, data)

    def _fed(self, direction: str, data: bytes) -> list[Frame]:
        told = self.reader.feed(direction, data)
        self.frames += told
        return told


class Database(Connection):
    """A connection to PostgreSQL, started."""

    def __init__(self, tracer: Tracer, client: str, server: str, **parameters: str) -> None:
        super().__init__(tracer, client, server, "postgres")
        self.sends(startup(user="shop", **parameters))
        self.gets(ready("I")[1])

    def say(self, *chunks: tuple[str, bytes]) -> list[Frame]:
        """Chunks of both sides; what was told of all."""
        return [
            f for side, data in chunks for f in (self.sends if side == ">" else self.gets)(data)
        ]

    def run(self, sql: str, tag: str, status: str = "T") -> list[Frame]:
        """A simple query and its answer."""
        return self.say(query(sql), done(tag), ready(status))

    def execute(
        self, sql: str, *params: str | bytes | None, tag: str = "", status: str = "T"
    ) -> list[Frame]:
        """A statement with parameters, as psycopg sends it; bytes go in binary."""
        return [*self.sends(extended(sql, *params)), *self.say(*answered(sql, tag, status))]

    def begin(self) -> None:
        self.run("BEGIN", "BEGIN")

    def commit(self, tag: str = "COMMIT") -> list[Frame]:
        return self.run("COMMIT", tag, "I")


def extended(sql: str, *params: str | bytes | None, sync: bool = True) -> bytes:
    """Parse, Bind, Describe, Execute and, unless there is more in the pipeline, Sync."""
    formats = b"".join(pack(">h", isinstance(param, bytes)) for param in params)
    values = b"".join(_value(param) for param in params)
    bind = b"\0\0" + pack(">h", len(params)) + formats + pack(">h", len(params)) + values + b"\0\0"
    return (
        message("P", b"\0" + sql.encode() + b"\0\0\0")
        + message("B", bind)
        + message("D", b"P\0")
        + message("E", b"\0" + b"\0" * 4)
        + (message("S") if sync else b"")
    )


def _value(param: str | bytes | None) -> bytes:
    if param is None:
        return pack(">i", -1)
    data = param.encode() if isinstance(param, str) else param
    return pack(">i", len(data)) + data


def answered(sql: str, tag: str = "", status: str = "T") -> list[tuple[str, bytes]]:
    """What the server says to `extended`."""
    tag = tag or {"INSERT": "INSERT 0 1"}.get(
        sql.split(maxsplit=1)[0], f"{sql.split(maxsplit=1)[0]} 1"
    )
    return [("<", message("1") + message("2") + message("n")), done(tag), ready(status)]


class Broker(Connection):
    """A connection to a Kafka broker, in versions before the flexible ones."""

    def __init__(self, tracer: Tracer, client: str, server: str = "kafka-1") -> None:
        super().__init__(tracer, client, server, "kafka")
        self._correlation = 0

    def ask(self, api: int, version: int, body: bytes) -> list[Frame]:
        """A request of a client without a name."""
        self._correlation += 1
        head = pack(">hhih", api, version, self._correlation, -1)
        return self.sends(pack(">i", len(head) + len(body)) + head + body)

    def answer(self, body: bytes, correlation: int | None = None) -> list[Frame]:
        """The answer to the last request, or to another one."""
        head = pack(">i", self._correlation if correlation is None else correlation)
        return self.gets(pack(">i", len(head) + len(body)) + head + body)

    def produce(
        self,
        topic: str,
        *keys: str | bytes | None,
        partition: int = 0,
        acks: int = -1,
        producer: tuple[int, int, int] = (-1, -1, -1),
    ) -> list[Frame]:
        """Records of one partition."""
        records = {(topic, partition): [record(key) for key in keys]}
        return self.produce_all(records, acks=acks, producer=producer)

    def produce_all(
        self,
        records: Mapping[tuple[str, int], Sequence[bytes]],
        *,
        acks: int = -1,
        producer: tuple[int, int, int] = (-1, -1, -1),
        transactional_id: str | None = None,
    ) -> list[Frame]:
        """Produce v3. `producer`: id, epoch, base sequence."""
        body = text(transactional_id) + pack(">hi", acks, 1000) + pack(">i", len(records))
        for (topic, partition), found in records.items():
            data = batch(found, producer)
            body += text(topic) + pack(">iii", 1, partition, len(data)) + data
        return self.ask(0, 3, body)

    def produced(
        self,
        topic: str,
        base_offset: int,
        *,
        partition: int = 0,
        error: int = 0,
        correlation: int | None = None,
    ) -> list[Frame]:
        """The broker's word on one partition."""
        told = text(topic) + pack(">iihqq", 1, partition, error, base_offset, -1)
        return self.answer(pack(">i", 1) + told + pack(">i", 0), correlation)

    def commit_offsets(self, group: str, offsets: Mapping[tuple[str, int], int]) -> list[Frame]:
        """OffsetCommit v5."""
        body = text(group) + pack(">i", 1) + text("m") + pack(">i", len(offsets))
        for (topic, partition), offset in offsets.items():
            body += text(topic) + pack(">iiq", 1, partition, offset) + text(None)
        return self.ask(8, 5, body)

    def offsets_committed(self, errors: Mapping[tuple[str, int], int]) -> list[Frame]:
        """The coordinator's word on each partition."""
        body = pack(">ii", 0, len(errors))
        for (topic, partition), error in errors.items():
            body += text(topic) + pack(">iih", 1, partition, error)
        return self.answer(body)

    def end_txn(self, transactional_id: str, *, committed: bool) -> list[Frame]:
        """EndTxn v0."""
        return self.ask(26, 0, text(transactional_id) + pack(">qh?", 4000, 0, committed))

    def txn_ended(self, error: int = 0) -> list[Frame]:
        return self.answer(pack(">ih", 0, error))


def text(value: str | None) -> bytes:
    """A nullable string."""
    if value is None:
        return pack(">h", -1)
    data = value.encode()
    return pack(">h", len(data)) + data


def varint(value: int) -> bytes:
    """Zigzag."""
    value = (value << 1) ^ (value >> 63)
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def record(key: str | bytes | None, headers: Mapping[str, str] | None = None) -> bytes:
    """A record's bytes; its value is `{}`."""
    body = b"\0\0\0" + _sized(key) + _sized("{}") + varint(len(headers or {}))
    for name, value in (headers or {}).items():
        body += _sized(name) + _sized(value)
    return varint(len(body)) + body


def _sized(part: str | bytes | None) -> bytes:
    if part is None:
        return varint(-1)
    data = part.encode() if isinstance(part, str) else part
    return varint(len(data)) + data


def batch(records: Sequence[bytes], producer: tuple[int, int, int] = (-1, -1, -1)) -> bytes:
    """A record batch, format 2."""
    data = b"".join(records)
    head = pack(">ibIhiqqqhii", -1, 2, 0, 0, len(records) - 1, 0, 0, *producer, len(records))
    return pack(">qi", 0, len(head) + len(data)) + head + data


MARKS = {Outcome.REQUESTED: "?", Outcome.ACKNOWLEDGED: "!", Outcome.FAILED: "x"}


def effects(frames: Iterable[Frame]) -> list[str]:
    """Effects in few words: `?order/order-db/commit(orders:insert)/17#1`, `!…`, `x…`; several
    addresses of one effect with a space between them."""
    return [
        MARKS[frame.outcome] + " ".join(address.text for address in frame.effect.addresses)
        for frame in frames
        if frame.effect is not None and frame.outcome is not None
    ]


def asked(frames: Iterable[Frame]) -> Effect:
    """The only effect that is asked for."""
    (found,) = [f.effect for f in frames if f.effect and f.outcome is Outcome.REQUESTED]
    return found
