"""Commits on the wire and transactions in the log: which is which, and where nobody can say."""

from typing import Any

from harness.engine.logged import with_transactions
from tests.harness.traffic import Traffic

BOTH = "orders:insert,outbox:insert"


def xids(traffic: Traffic) -> list[Any]:
    tables = traffic.tables()
    found = with_transactions(tables["effects"], tables["transactions"])
    assert found.schema == tables["effects"].schema
    return [(row["key"], row["xid"], row["lsn"]) for row in found.to_pylist()]


def test_a_commit_gets_the_number_and_the_place_of_its_transaction() -> None:
    """By server, key and tables; the log may say update where the statement says insert."""
    t = Traffic()
    t.commit("order", "order-db", BOTH, "1").acknowledged()
    t.commit("order", "order-db", "orders:update,outbox:insert", "1").acknowledged()
    t.commit("inventory", "inventory-db", "stock:insert", "1").acknowledged()
    t.produce("order", "order.events", "1").acknowledged(offset=0)
    t.logged("order-db", 7, BOTH, "1")
    t.logged("inventory-db", 7, "stock:update", "1")
    t.logged("order-db", 9, "orders:update,outbox:insert", "1")
    assert xids(t) == [
        ("1", 7, "0/1A00700"),
        ("1", 9, "0/1A00900"),
        ("1", 7, "0/1A00700"),
        ("1", None, None),
    ]


def test_one_commit_of_several_keys_is_one_transaction() -> None:
    """Each of its rows says so."""
    t = Traffic()
    t.commit("relay", "order-db", "outbox:update", "1", "2").acknowledged()
    t.logged("order-db", 7, "outbox:update", "1", "2")
    assert [(key, xid) for key, xid, _ in xids(t)] == [("1", 7), ("2", 7)]


def test_a_commit_without_an_answer_was_one_if_the_log_has_it() -> None:
    """And none if it has not."""
    t = Traffic()
    t.commit("order", "order-db", BOTH, "1")
    t.commit("order", "order-db", BOTH, "2").acknowledged()
    t.commit("order", "order-db", BOTH, "2")
    t.commit("order", "order-db", BOTH, "3").failed("40001")
    t.logged("order-db", 7, BOTH, "1")
    t.logged("order-db", 8, BOTH, "2")
    assert [(key, xid) for key, xid, _ in xids(t)] == [
        ("1", 7),
        ("2", 8),
        ("2", None),
        ("3", None),
    ]


def test_where_log_and_wire_differ_in_number_nothing_is_guessed() -> None:
    """One of the two changed nothing, and it is not known which."""
    t = Traffic()
    t.commit("inventory", "inventory-db", "inbox:insert", "1").acknowledged()
    t.commit("inventory", "inventory-db", "inbox:insert", "1").acknowledged()
    t.logged("inventory-db", 7, "inbox:insert", "1")
    t.logged("inventory-db", 8, "stock:update", "1")
    assert [xid for _, xid, _ in xids(t)] == [None, None]
