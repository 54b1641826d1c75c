"""What a real server's log says of commits; and what it does not know, it does not say."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import psycopg
import pytest

from harness.drivers.postgres import Postgres
from harness.drivers.wal import WalLedger
from harness.engine.proof import StoreProof
from harness.engine.world import World
from harness.model.address import Address
from harness.model.cut import Achieved, Reached, When
from harness.model.effect import Effect, EffectKind, Outcome
from harness.trace.tracer import Tracer

EVENT = "7a52cb73-11a8-443f-9e73-9d17add1c56c"
PLACE = ("orders:insert", "outbox:insert")
TABLES = """
CREATE TABLE orders (order_id text PRIMARY KEY, status text);
CREATE TABLE outbox (id uuid PRIMARY KEY, aggregateid text, sent_at timestamptz);
CREATE TABLE audit (order_id text);
CREATE TABLE stock (product_id text PRIMARY KEY, on_hand int);
INSERT INTO stock VALUES ('anvil', 9)
"""
INSERT = f"""
INSERT INTO orders VALUES ('17', 'placed'); INSERT INTO outbox (id, aggregateid) VALUES ('{EVENT}', '17')
"""
COLUMNS = frozenset({"order_id", "aggregateid"})


class Servers(Protocol):
    """What these tests need of the fixture."""

    @property
    def postgres(self) -> str: ...


class Shop:
    """One database, the ledger of its server, and who asks it."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self.ledger = WalLedger("order-db", postgres)
        self.world = World(
            postgres={"order-db": postgres},
            ledgers={"order-db": self.ledger},
            key_columns=COLUMNS,
        )
        self.proof = StoreProof(self.world)

    async def do(self, *statements: str) -> None:
        """Each in a transaction of its own."""
        for statement in statements:
            await self.postgres.query(statement, database="orders")


def with_shop(address: str, body: Callable[[Shop], Awaitable[None]]) -> None:
    """Run `body` with an open ledger."""

    async def run() -> None:
        host, port = address.split(":")
        postgres = Postgres(host, int(port), user="shop", password="shop")
        try:
            await clear(postgres)
            await postgres.query("CREATE DATABASE orders")
            shop = Shop(postgres)
            await shop.do(TABLES)
            await shop.ledger.open()
            await body(shop)
        finally:
            await clear(postgres)
            await postgres.close()

    asyncio.run(run())


async def clear(postgres: Postgres) -> None:
    """No slot and no database of a test is left."""
    await postgres.drop_slots()
    for name in await postgres.databases():
        await postgres.query(f'DROP DATABASE "{name}" WITH (FORCE)')


def point(
    when: When,
    detail: tuple[str, ...] = PLACE,
    key: str = "17",
    *,
    earlier: int = 0,
    doubtful: int = 0,
    outcome: Outcome | None = None,
    others: Mapping[tuple[str, ...], int] | None = None,
) -> Reached:
    """A commit of order on order-db that was stopped at."""
    address = Address(
        client="order", server="order-db", kind="commit", detail=detail, key=key, occurrence=1
    )
    effect = Effect(
        number=1,
        client="order",
        server="order-db",
        connection=1,
        kind=EffectKind.COMMIT,
        detail=detail,
        keys=() if key == "-" else (key,),
        addresses=(address,),
    )
    acknowledged = Outcome.ACKNOWLEDGED if when is When.AFTER else Outcome.REQUESTED
    return Reached(
        effect=effect,
        address=address,
        when=when,
        outcome=outcome or acknowledged,
        earlier=earlier,
        doubtful=doubtful,
        others=others or {},
    )


@pytest.mark.stack
def test_a_commit_is_there_or_it_is_not(servers: Servers) -> None:
    """As the log has it, whatever was asked for; in little time."""

    async def body(shop: Shop) -> None:
        before = await shop.proof.achieved(point(When.BEFORE))
        assert before.done is False
        assert before.says == "order-db: no commit like it of key 17 but the 0 before it"
        await shop.do(INSERT)
        took = []
        for _ in range(5):
            began = time.monotonic()
            after = await shop.proof.achieved(point(When.AFTER))
            took.append(time.monotonic() - began)
        assert min(took) < 0.15
        (found,) = after.measured["found"]
        assert after.done is True
        assert after.says == (
            f"order-db: transaction {found['xid']} of key 17, committed at {found['lsn']}, "
            "wrote orders:insert and outbox:insert"
        )
        assert found["database"] == "orders"
        # What should not have gone on and did is told, and so is what did not come.
        leaked = await shop.proof.achieved(point(When.BEFORE))
        assert leaked.agrees(When.BEFORE) is False
        lost = await shop.proof.achieved(point(When.AFTER, earlier=1, outcome=Outcome.REQUESTED))
        assert lost.agrees(When.AFTER) is False
        assert (await shop.proof.achieved(point(When.BEFORE, key="18"))).done is False

    with_shop(servers.postgres, body)


@pytest.mark.stack
def test_an_open_or_aborted_transaction_is_not_there(servers: Servers) -> None:
    """It is when it is committed."""

    async def body(shop: Shop) -> None:
        host, port = servers.postgres.split(":")
        client = await psycopg.AsyncConnection.connect(
            host=host, port=int(port), user="shop", password="shop", dbname="orders"
        )
        async with client:
            await client.execute(INSERT)
            assert (await shop.proof.achieved(point(When.BEFORE))).done is False
            await client.rollback()
            failed = point(When.AFTER, outcome=Outcome.FAILED)
            assert (await shop.proof.achieved(failed)).done is False
            await client.execute(INSERT)
            await client.commit()
            assert (await shop.proof.achieved(point(When.AFTER))).done is True

    with_shop(servers.postgres, body)


@pytest.mark.stack
def test_a_relay_s_mark_is_known_by_the_id_of_its_row(servers: Servers) -> None:
    """The key itself need not be in the statement, nor in the row."""

    async def body(shop: Shop) -> None:
        await shop.do(INSERT)
        mark = ("outbox:update",)
        assert (await shop.proof.achieved(point(When.BEFORE, mark))).done is False
        await shop.do(f"UPDATE outbox SET sent_at = now() WHERE id = '{EVENT}'")
        assert (await shop.proof.achieved(point(When.AFTER, mark))).done is True
        await shop.do("DELETE FROM outbox")
        # Of a deleted row only the id is told.
        assert (await shop.proof.achieved(point(When.AFTER, ("outbox:delete",)))).done is True
        assert (await shop.proof.achieved(point(When.AFTER, ("outbox:delete",), EVENT))).done

    with_shop(servers.postgres, body)


@pytest.mark.stack
def test_the_log_may_have_more_less_or_other_than_was_said(servers: Servers) -> None:
    """INSERT … ON CONFLICT updates, a statement that met no row, a trigger."""

    async def body(shop: Shop) -> None:
        upsert = (
            "INSERT INTO stock VALUES ('anvil', 1) ON CONFLICT (product_id)"
            " DO UPDATE SET on_hand = 8; INSERT INTO orders VALUES ('17', 'placed');"
            " UPDATE outbox SET sent_at = now()"
        )
        said: tuple[str, ...] = ("orders:insert", "outbox:update", "stock:insert")
        assert (await shop.proof.achieved(point(When.BEFORE, said))).done is False
        await shop.do(upsert)
        assert (await shop.proof.achieved(point(When.AFTER, said))).done is True
        await shop.do(
            """CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN INSERT INTO audit VALUES (NEW.order_id); RETURN NEW; END $$""",
            "CREATE TRIGGER note AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note()",
        )
        others = {said: 1}
        change = ("orders:update",)
        assert (await shop.proof.achieved(point(When.BEFORE, change, others=others))).done is False
        await shop.do("UPDATE orders SET status = 'cancelled' WHERE order_id = '17'")
        after = await shop.proof.achieved(point(When.AFTER, change, others=others))
        assert after.done is True
        assert after.measured["found"][0]["wrote"] == ["audit:insert", "orders:update"]

    with_shop(servers.postgres, body)


@pytest.mark.stack
def test_what_others_have_done_since_is_not_taken_for_it(servers: Servers) -> None:
    """The relay marks the row of the first event while the second one is held back; where it
    cannot be told apart nobody says so."""

    async def body(shop: Shop) -> None:
        await shop.do(INSERT, "UPDATE outbox SET sent_at = now()")
        cancel = ("orders:update", "outbox:insert")
        assert (await shop.proof.achieved(point(When.BEFORE, cancel, others={PLACE: 1}))).done is (
            False
        )
        alone = ("outbox:insert",)
        held = await shop.proof.achieved(point(When.BEFORE, alone, others={PLACE: 1}))
        assert held.done is None
        assert held.says.endswith("wrote outbox:update; it may be another's")
        done = await shop.proof.achieved(point(When.AFTER, alone, others={PLACE: 1}))
        assert done.done is True
        after = await shop.proof.achieved(point(When.AFTER))
        assert after.says.endswith("wrote orders:insert and outbox:insert")

    with_shop(servers.postgres, body)


@pytest.mark.stack
def test_what_is_in_doubt_is_not_told_apart(servers: Servers) -> None:
    """One commit in the log, and one from before that was never answered: nobody can say."""

    async def body(shop: Shop) -> None:
        assert (await shop.proof.achieved(point(When.BEFORE, doubtful=1))).done is False
        await shop.do(INSERT)
        word = await shop.proof.achieved(point(When.AFTER, doubtful=1))
        assert word.done is None
        assert "may be one of 1 earlier ones that were never answered" in word.says
        await shop.do("DELETE FROM orders; DELETE FROM outbox", INSERT)
        assert (await shop.proof.achieved(point(When.AFTER, doubtful=1))).done is True

    with_shop(servers.postgres, body)


@pytest.mark.stack
def test_a_commit_that_changed_nothing_is_one_state(servers: Servers) -> None:
    """As long as the server has rolled back nothing: that looks the same."""

    async def body(shop: Shop) -> None:
        clean = ("outbox:delete",)
        assert (await shop.proof.achieved(point(When.BEFORE, clean, "-"))).done is False
        await shop.do("DELETE FROM outbox")
        word = await shop.proof.achieved(point(When.AFTER, clean, "-"))
        assert word.done is True
        assert word.measured["changed_nothing"] is True
        assert "changed no row: before and after it are one state" in word.says
        await shop.do("BEGIN; INSERT INTO audit VALUES ('1'); ROLLBACK")
        word = await shop.proof.achieved(point(When.AFTER, clean, "-"))
        assert word.done is None
        assert "one of 1 transactions that were rolled back" in word.says

    with_shop(servers.postgres, body)


@pytest.mark.stack
def test_a_commit_whose_key_the_wire_does_not_know(servers: Servers) -> None:
    """Is told where no row of it has one; a row that has one may be another commit's."""

    async def body(shop: Shop) -> None:
        await shop.do("UPDATE stock SET on_hand = 1")
        assert (await shop.proof.achieved(point(When.AFTER, ("stock:update",), "-"))).done is True
        await shop.do(INSERT)
        word = await shop.proof.achieved(point(When.AFTER, PLACE, "-"))
        assert word.done is None
        assert "1 like it of keys that the wire does not know" in word.says

    with_shop(servers.postgres, body)


@pytest.mark.stack
def test_a_commit_without_waiting_is_awaited(servers: Servers) -> None:
    """With synchronous_commit off the answer comes before the log is on the disk."""

    async def body(shop: Shop) -> None:
        lazy = ("audit:insert",)
        for n in range(5):
            await shop.do("SET synchronous_commit = off; INSERT INTO audit VALUES ('17')")
            word = await shop.proof.achieved(point(When.AFTER, lazy, earlier=n))
            assert (word.done, len(word.measured["found"])) == (True, 1)
            assert "changed_nothing" not in word.measured

    with_shop(servers.postgres, body)


@pytest.mark.stack
def test_where_the_log_cannot_be_read_nobody_can_say(servers: Servers) -> None:
    """The reason is told; a server that is gone is one."""

    async def body(shop: Shop) -> None:
        shop.ledger.close()
        assert await shop.proof.achieved(point(When.AFTER)) == Achieved(
            done=None, says="order-db: its write-ahead log is no longer read"
        )
        await shop.ledger.open()
        await shop.postgres.drop_slots()
        word = await shop.proof.achieved(point(When.AFTER))
        assert word.done is None
        assert word.says.startswith("order-db could not say: postgres ")
        nobody = StoreProof(World(postgres={"order-db": shop.postgres}))
        assert (await nobody.achieved(point(When.AFTER))).done is None

    with_shop(servers.postgres, body)


def test_the_wire_tells_the_other_commits_of_a_key() -> None:
    """As the log accounts for them."""

    def query(sql: str) -> bytes:
        return b"Q" + (len(sql) + 5).to_bytes(4, "big") + sql.encode() + b"\0"

    def done(tag: str, status: bytes) -> bytes:
        complete = b"C" + (len(tag) + 5).to_bytes(4, "big") + tag.encode() + b"\0"
        return complete + b"Z\0\0\0\5" + status

    tracer = Tracer(COLUMNS)
    reader = tracer.open("order", "order-db", 1, "postgres")
    reader.feed("client", b"\0\0\0\x13\0\3\0\0user\0shop\0\0")
    reader.feed("server", b"R\0\0\0\x08\0\0\0\0Z\0\0\0\5I")
    effects = []
    for sql, tag in (
        ("INSERT INTO orders (order_id) VALUES ('17')", "INSERT 0 1"),
        ("UPDATE orders SET status = 'x' WHERE order_id = '17'", "UPDATE 1"),
        ("UPDATE orders SET status = 'y' WHERE order_id = '17'", "UPDATE 1"),
        ("UPDATE orders SET status = 'x' WHERE order_id = '18'", "UPDATE 1"),
        ("INSERT INTO orders (order_id) VALUES ('17')", "INSERT 0 1"),
    ):
        frames = reader.feed("client", query(sql))
        effects += [frame.effect for frame in frames if frame.effect is not None]
        reader.feed("server", done(tag, b"I"))
    last = effects[-1]
    assert tracer.earlier(last, last.addresses[0]) == (1, 0)
    assert tracer.others(last, last.addresses[0]) == {("orders:update",): 2}
