"""Which store is asked of an effect, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from harness.drivers.postgres import Postgres
from harness.engine.proof import StoreProof
from harness.engine.world import World
from harness.model.address import Address
from harness.model.cut import Reached, When
from harness.model.effect import Effect, EffectKind, Outcome
from harness.wire.replication_events import lsn_number, lsn_text

DATABASE, SLOT = "flushed", "order_outbox"


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...


def point(
    when: When, kind: EffectKind, detail: str, *, lsn: str | None = None, outcome: Outcome
) -> Reached:
    """An effect on order-db that was stopped at."""
    address = Address(
        client="connect", server="order-db", kind=kind.value, detail=(detail,), key="-"
    )
    effect = Effect(
        number=1,
        client="connect",
        server="order-db",
        connection=1,
        kind=kind,
        detail=(detail,),
        keys=(),
        addresses=(address,),
        slot=detail if kind is EffectKind.FLUSH else None,
        lsn=lsn,
        is_answered=kind is not EffectKind.FLUSH,
    )
    return Reached(effect=effect, address=address, when=when, outcome=outcome)


def flush(when: When, lsn: str, slot: str = SLOT) -> Reached:
    """A slot's reader confirms a position; nothing answers that."""
    return point(when, EffectKind.FLUSH, slot, lsn=lsn, outcome=Outcome.REQUESTED)


def with_slot(address: str, body: Callable[[Postgres], Awaitable[None]]) -> None:
    """Run `body` with a database that has a slot."""

    async def run() -> None:
        host, port = address.split(":")
        postgres = Postgres(host, int(port), user="shop", password="shop")
        try:
            await clear(postgres)
            await postgres.query(f"CREATE DATABASE {DATABASE}")
            await postgres.query("CREATE TABLE t (n int)", database=DATABASE)
            create = "SELECT pg_create_logical_replication_slot(%s, 'pgoutput')"
            await postgres.query(create, (SLOT,), DATABASE)
            await postgres.query("INSERT INTO t VALUES (1)", database=DATABASE)
            await body(postgres)
        finally:
            await clear(postgres)
            await postgres.close()

    asyncio.run(run())


async def clear(postgres: Postgres) -> None:
    """No slot and no database of a test is left."""
    await postgres.drop_slots()
    for name in await postgres.databases():
        await postgres.query(f'DROP DATABASE "{name}" WITH (FORCE)')


async def confirm(postgres: Postgres, lsn: str) -> None:
    """As a reader does; a message of the replication protocol would say the same."""
    advance = "SELECT pg_replication_slot_advance(%s, %s::pg_lsn)"
    await postgres.query(advance, (SLOT, lsn), DATABASE)


@pytest.mark.stack
def test_a_flush_is_what_the_slot_has_confirmed(servers: Servers) -> None:
    """And not what its reader has said; a position beyond it is none."""

    async def body(postgres: Postgres) -> None:
        proof = StoreProof(World(postgres={"order-db": postgres}))
        end = await postgres.wal_flush_lsn()
        before = await proof.achieved(flush(When.BEFORE, end))
        confirmed = before.measured["confirmed_flush_lsn"]
        assert before.done is False
        assert before.says == (
            f"order-db: slot {SLOT} has confirmed {confirmed}, and was to confirm {end}"
        )
        assert lsn_number(confirmed) < lsn_number(end)
        await confirm(postgres, end)
        assert (await proof.achieved(flush(When.AFTER, end))).done is True
        assert (await proof.achieved(flush(When.BEFORE, end))).agrees(When.BEFORE) is False
        beyond = lsn_text(lsn_number(end) + 1)
        assert (await proof.achieved(flush(When.BEFORE, beyond))).done is False

    with_slot(servers.postgres, body)


@pytest.mark.stack
def test_a_flush_that_is_to_come_is_awaited(servers: Servers) -> None:
    """For two seconds, for nothing answers it; before it nobody waits."""

    async def body(postgres: Postgres) -> None:
        proof = StoreProof(World(postgres={"order-db": postgres}))
        end = await postgres.wal_flush_lsn()
        asked = asyncio.create_task(proof.achieved(flush(When.AFTER, end)))
        assert (await proof.achieved(flush(When.BEFORE, end))).done is False
        await confirm(postgres, end)
        assert (await asked).done is True
        never = flush(When.AFTER, lsn_text(lsn_number(end) + (1 << 30)))
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert (await proof.achieved(never)).agrees(When.AFTER) is False
        assert 2.0 <= loop.time() - began < 5.0

    with_slot(servers.postgres, body)


@pytest.mark.stack
def test_a_slot_that_is_not_there_says_nothing(servers: Servers) -> None:
    """Nor does a server that is unknown."""

    async def body(postgres: Postgres) -> None:
        proof = StoreProof(World(postgres={"order-db": postgres}))
        word = await proof.achieved(flush(When.AFTER, "0/1", "another"))
        assert (word.done, word.says) == (
            None,
            "order-db: there is no slot another that confirms anything",
        )
        unknown = StoreProof(World(postgres={"other-db": postgres}))
        assert (await unknown.achieved(flush(When.AFTER, "0/1"))).done is None

    with_slot(servers.postgres, body)


def test_a_server_that_is_gone_says_nothing() -> None:
    """Its reason is told."""

    async def run() -> None:
        gone = Postgres("127.0.0.1", 1, user="u", password="p")
        word = await StoreProof(World(postgres={"order-db": gone})).achieved(
            flush(When.AFTER, "0/1")
        )
        assert word.done is None
        assert word.says.startswith("order-db could not say: postgres 127.0.0.1:1: ")

    asyncio.run(run())


@pytest.mark.parametrize(
    "when, outcome, agrees",
    [
        (When.BEFORE, Outcome.REQUESTED, True),
        (When.AFTER, Outcome.ACKNOWLEDGED, True),
        (When.AFTER, Outcome.FAILED, True),
        (When.AFTER, Outcome.REQUESTED, False),
    ],
)
def test_of_http_the_wire_s_word_counts(when: When, outcome: Outcome, agrees: bool) -> None:
    """It is said that it is no more than that."""

    async def run() -> None:
        reached = point(when, EffectKind.HTTP, "POST:/orders", outcome=outcome)
        word = await StoreProof(World()).achieved(reached)
        assert word.agrees(when) is agrees
        assert "the wire's word" in word.says
        assert word.measured == {"outcome": outcome.value}

    asyncio.run(run())


def test_every_kind_of_effect_is_asked_for() -> None:
    """None without an answer, though it be that nobody knows."""

    async def run() -> None:
        for kind in EffectKind:
            reached = point(When.AFTER, kind, "x", outcome=Outcome.FAILED)
            word = await StoreProof(World()).achieved(reached)
            assert word.says
            assert word.done in ({True} if kind is EffectKind.HTTP else {None})

    asyncio.run(run())
