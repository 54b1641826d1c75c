"""The Kafka client's life: deadlines, topics that come and go, and nothing left behind."""

import asyncio
import threading
from typing import Protocol

import pytest

from harness.drivers.kafka import Kafka
from harness.errors import EnvironmentFailed

NOBODY = "127.0.0.1:1"


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def kafka(self) -> str: ...


def threads() -> set[str]:
    """Names of the threads of ours and kafka-python's that are running."""
    return {t.name for t in threading.enumerate() if "kafka" in t.name}


@pytest.mark.stack
def test_every_broker_answers(servers: Servers) -> None:
    """Readiness is an answer of each broker on its own connection."""

    async def run() -> None:
        kafka = Kafka(servers.kafka)
        assert [b.id for b in await kafka.metadata()] == [1]
        assert await kafka.ping()
        assert not await kafka.ping(brokers=2)
        await kafka.close()

    asyncio.run(run())


@pytest.mark.stack
def test_topics_are_there_after_creation_and_gone_after_deletion(servers: Servers) -> None:
    """Both return only when it is so; deleting what is not there is fine."""

    async def run() -> None:
        kafka = Kafka(servers.kafka)
        await kafka.create_topics(["aftershock.a", "aftershock.b"])
        topics = await kafka.topics(internal={"aftershock.b"})
        assert "aftershock.a" in topics
        assert "aftershock.b" not in topics
        assert not [t for t in topics if t.startswith("__")]
        await kafka.delete_topics(["aftershock.a", "aftershock.b", "aftershock.never"])
        assert not {"aftershock.a", "aftershock.b"} & set(await kafka.topics())
        assert await kafka.read_topic("aftershock.a") == []
        await kafka.close()

    asyncio.run(run())


@pytest.mark.stack
def test_closing_leaves_no_thread(servers: Servers) -> None:
    """Neither kafka-python's nor ours; closing twice is fine, asking afterwards is not."""

    async def run() -> None:
        kafka = Kafka(servers.kafka)
        await kafka.topics()
        await kafka.close()
        await kafka.close()
        assert threads() == set()
        with pytest.raises(EnvironmentFailed, match="closed"):
            await kafka.topics()

    asyncio.run(run())


def test_nobody_listening_is_told_at_once() -> None:
    """And nothing goes on dialling behind our back."""

    async def run() -> None:
        kafka = Kafka(NOBODY)
        assert not await kafka.ping()
        with pytest.raises(EnvironmentFailed, match="nothing answers"):
            await kafka.topics()
        await kafka.close()
        assert threads() == set()

    asyncio.run(asyncio.wait_for(run(), 2))


def test_a_listener_that_never_answers_ends_at_the_deadline() -> None:
    """A frozen broker's port still accepts; the threads that wait for it come home on close."""

    async def run() -> None:
        accepted = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.set()
            await reader.read()
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            kafka = Kafka(f"127.0.0.1:{port}", timeout_s=0.5)
            with pytest.raises(EnvironmentFailed):
                await kafka.topics()
            await kafka.close()
        assert accepted.is_set()
        assert threads() == set()

    asyncio.run(asyncio.wait_for(run(), 10))
