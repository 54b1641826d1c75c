"""One Kafka cluster: its topics' records, its groups' offsets, its brokers.

kafka-python blocks, so each call runs in a thread of this object's own and is awaited with a
deadline; `close` ends every client and thread. One admin client serves all calls but reading
records, for which consumers are made and closed. Knows nothing of what the records mean.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from harness.drivers import kafka_calls as calls
from harness.drivers.kafka_calls import Broker, Group, GroupOffset, Isolation, Record, Spans
from harness.drivers.kafka_fetch import fetch
from harness.drivers.kafka_python import (
    KafkaAdminClient,
    KafkaConsumer,
    KafkaError,
    KafkaNetClient,
    OffsetSpec,
    knowing,
)
from harness.errors import EnvironmentFailed

__all__ = ["Broker", "Group", "GroupOffset", "Kafka", "Record"]

T = TypeVar("T")

_POLL_S = 0.02
_THREADS = 3
"""Two readers, one an isolation level, beside the admin client's caller."""
_RECONNECT = {
    "reconnect_backoff_ms": 20,
    # A broker that comes back after a fault is asked again soon, not after the default 30 s.
    "reconnect_backoff_max_ms": 250,
}


class Kafka:
    """The cluster behind bootstrap addresses `host:port[,host:port]…`. `timeout_s` bounds each
    call. `names`: addresses of hosts which this machine cannot look up."""

    def __init__(
        self, bootstrap: str, *, timeout_s: float = 10.0, names: Mapping[str, str] | None = None
    ) -> None:
        self._bootstrap = bootstrap
        self._names = dict(names or {})
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="aftershock-kafka")
        self._admin: KafkaAdminClient | None = None
        self._opening = asyncio.Lock()
        self._clients: set[KafkaNetClient] = set()
        self._closed = False

    async def close(self) -> None:
        """Close every client and end every thread. Idempotent."""
        if self._closed:
            return
        self._closed = True
        # Closing a client fails what its callers still wait for, so their threads come home.
        await asyncio.to_thread(self._close_all)

    async def metadata(self, *, timeout_s: float | None = None) -> tuple[Broker, ...]:
        """Every broker of the cluster, each having answered on a connection of its own."""
        return await self._ask(calls.answering_brokers, "metadata", timeout_s)

    async def ping(self, brokers: int = 1) -> bool:
        """Whether at least that many brokers answer right now."""
        try:
            return len(await self.metadata(timeout_s=min(2.0, self._timeout_s))) >= brokers
        except EnvironmentFailed:
            return False

    async def topics(self, internal: Iterable[str] = ()) -> tuple[str, ...]:
        """The topics' names, sorted, without `__…` and those called internal."""
        hidden = frozenset(internal)
        names = await self._ask(calls.all_topics, "topics")
        return tuple(n for n in names if not n.startswith("__") and n not in hidden)

    async def end_offsets(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """(topic, partition) → the offset after its last record."""
        found = await self._ask(
            lambda admin: calls.offsets(
                admin, calls.partitions_of(admin, topics), OffsetSpec.LATEST
            ),
            "end offsets",
        )
        return {(p.topic, p.partition): offset for p, offset in found.items()}

    async def read_topic(self, topic: str) -> list[Record]:
        """Its records, by partition and offset, up to the ends found when the read began."""
        return (await self.read_topics([topic]))[topic]

    async def read_topics(self, topics: Sequence[str]) -> dict[str, list[Record]]:
        """`read_topic` for several, with one pair of clients."""
        every, visible = await asyncio.gather(
            self._read(topics, Isolation.UNCOMMITTED), self._read(topics, Isolation.COMMITTED)
        )
        places = {record.place for record in visible}
        found: dict[str, list[Record]] = {topic: [] for topic in topics}
        for record in sorted(every, key=lambda r: r.place):
            found[record.topic].append(replace(record, committed=record.place in places))
        return found

    async def records(
        self, topic: str, start: Mapping[int, int] | None = None, *, timeout_s: float | None = None
    ) -> list[Record]:
        """A topic's records by partition and offset, of each partition from the offset in `start`
        on; in milliseconds, where `read_topic` takes tenths of a second. Open and aborted
        transactions' are among them, and `committed` says nothing."""
        ends = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        return await self._ask(
            lambda admin: fetch(admin, topic, start or {}, ends), f"records of {topic}", timeout_s
        )

    async def transaction_state(self, transactional_id: str) -> str | None:
        """`Ongoing`, `CompleteCommit`, … (KIP-664); None where there is no such transaction."""
        return await self._ask(
            lambda admin: calls.transaction_state(admin, transactional_id), "transaction"
        )

    async def groups(self) -> tuple[Group, ...]:
        """The consumer groups by name, without Connect's own worker groups."""
        return await self._ask(calls.groups, "groups")

    async def group_offsets(self) -> tuple[GroupOffset, ...]:
        """Every group × each partition of every topic that it has committed to or is assigned."""
        return await self._ask(calls.group_offsets, "group offsets")

    async def standing(self) -> tuple[tuple[Group, ...], tuple[GroupOffset, ...]]:
        """The groups, and their offsets as `group_offsets` has them, in one reading."""
        return await self._ask(calls.standing, "groups and their offsets")

    async def create_topics(
        self, names: Sequence[str], *, partitions: int = 1, config: Mapping[str, str] | None = None
    ) -> None:
        """Create them, replicated once, and await their leaders."""
        if names:
            await self._ask(
                lambda admin: calls.create_topics(admin, names, partitions, config or {}),
                "create topics",
            )

    async def delete_topics(self, names: Iterable[str]) -> None:
        """Delete those that exist and await that the cluster no longer names them."""
        ends = time.monotonic() + self._timeout_s
        wanted = frozenset(names)
        asked: set[str] = set()
        while left := wanted & frozenset(await self._ask(calls.all_topics, "topics")):
            if time.monotonic() > ends:
                raise EnvironmentFailed(f"kafka: topics still there: {', '.join(sorted(left))}")
            if new := sorted(left - asked):
                await self._ask(partial(calls.delete_topics, names=new), "delete topics")
                asked.update(new)
            else:
                await asyncio.sleep(_POLL_S)

    async def delete_groups(self, names: Sequence[str]) -> None:
        """Delete them; those that are not there are fine, one with members is refused."""
        if names:
            await self._ask(lambda admin: calls.delete_groups(admin, names), "delete groups")

    async def _read(self, topics: Sequence[str], level: Isolation) -> list[Record]:
        ends = time.monotonic() + self._timeout_s
        wanted = await self._ask(lambda admin: calls.spans(admin, topics, level), "offsets")
        if not wanted:
            return []
        return await self._in_thread(
            lambda: self._read_blocking(wanted, level, ends), f"reading {level.value}"
        )

    def _read_blocking(self, wanted: Spans, level: Isolation, ends: float) -> list[Record]:
        made: list[KafkaNetClient] = []
        try:
            consumer = KafkaConsumer(
                isolation_level=level.value,
                enable_auto_commit=False,
                fetch_max_wait_ms=5,
                metrics_enabled=False,
                **self._client_settings(ends, made),
            )
            try:
                return calls.read(consumer, wanted, ends)
            finally:
                consumer.close(timeout_ms=1000)
        finally:
            self._discard(made)

    async def _ask(
        self, question: Callable[[KafkaAdminClient], T], what: str, timeout_s: float | None = None
    ) -> T:
        """The admin client's answer. It is made on first use and kept while the port is open."""
        limit = self._timeout_s if timeout_s is None else timeout_s
        ends = time.monotonic() + limit
        await self._knock(limit, what)
        async with self._opening:
            if self._admin is None:
                self._admin = await self._in_thread(lambda: self._open_admin(ends), what, limit)
            admin = self._admin
        left = max(0.05, ends - time.monotonic())
        return await self._in_thread(lambda: question(admin), what, left)

    async def _knock(self, timeout_s: float, what: str) -> None:
        """Raise EnvironmentFailed at once where nothing listens, and let the admin client go:
        kafka-python would go on dialling till its time is up and leak a socket each time."""
        failures: list[str] = []
        for server in self._bootstrap.split(","):
            host, _, port = server.strip().rpartition(":")
            try:
                async with asyncio.timeout(timeout_s):
                    _, writer = await asyncio.open_connection(host, int(port))
            except OSError as failed:  # TimeoutError is one
                failures.append(str(failed) or "timed out")
            else:
                writer.close()
                return
        self._admin = None
        await asyncio.to_thread(self._discard, tuple(self._clients))
        said = "; ".join(failures)
        raise EnvironmentFailed(f"kafka {self._bootstrap}: {what}: nothing answers ({said})")

    def _open_admin(self, ends: float) -> KafkaAdminClient:
        made: list[KafkaNetClient] = []
        try:
            return KafkaAdminClient(**self._client_settings(ends, made))
        except BaseException:
            self._discard(made)
            raise

    async def _in_thread(
        self, work: Callable[[], T], what: str, timeout_s: float | None = None
    ) -> T:
        """The result of `work`, or EnvironmentFailed. Past the deadline the thread is left to
        its own request time-out or to `close`, whichever comes first."""
        if self._closed:
            raise EnvironmentFailed("kafka: the client is closed")
        limit = self._timeout_s if timeout_s is None else timeout_s
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.wait_for(running, limit)
        except TimeoutError as late:
            message = f"kafka {self._bootstrap}: no answer in {limit:.3g} s: {what}"
            raise EnvironmentFailed(message) from late
        except (KafkaError, OSError, RuntimeError) as failed:
            message = f"kafka {self._bootstrap}: {what}: {failed}"
            raise EnvironmentFailed(message) from failed

    def _client_settings(self, ends: float, made: list[KafkaNetClient]) -> dict[str, Any]:
        """Settings of one client. Its network client is put into `made`: a constructor whose
        bootstrap fails leaves a thread running and hands out nothing that could be closed."""

        def new_net_client(**config: Any) -> KafkaNetClient:
            client = KafkaNetClient(**config)
            self._clients.add(client)
            made.append(client)
            return client

        return {
            **_RECONNECT,
            **knowing(self._names),
            "bootstrap_servers": self._bootstrap,
            "client_id": "aftershock",
            "bootstrap_timeout_ms": max(50, int((ends - time.monotonic()) * 1000)),
            "request_timeout_ms": max(1000, int(self._timeout_s * 1000)),
            "kafka_client": new_net_client,
        }

    def _close_all(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._discard(tuple(self._clients))
        self._threads.shutdown(wait=True)
        self._discard(tuple(self._clients))  # one that was being made meanwhile

    def _discard(self, clients: Iterable[KafkaNetClient]) -> None:
        for client in clients:
            self._clients.discard(client)
            with suppress(Exception):  # a second close, or one of what never opened
                client.close()
