"""Keys of committed transactions, and what of them the wire has not told of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.drivers.wal import Committed
from harness.engine.committed import (
    BusinessKeys,
    Likeness,
    detail_of,
    likeness,
    rows_of,
    unaccounted,
)
from harness.wire.sql import Operation
from harness.wire.test_decoding import Change, Transaction

EVENT = "7a52cb73-11a8-443f-9e73-9d17add1c56c"
OTHER = "0b6f4f5c-3c53-4a5e-8a6e-2b7d0c6c9d11"


def change(table: str, operation: str = "insert", **columns: str | None) -> Change:
    """A row that was changed."""
    return Change(table=table, operation=Operation(operation), columns=columns)


def committed(*changes: Change, xid: int = 7, node: str = "db") -> Committed:
    """A transaction of these changes."""
    transaction = Transaction(xid=xid, lsn=f"0/{xid:X}", changes=changes)
    return Committed(node=node, database="d", transaction=transaction)


def keys(*learnt: Committed) -> BusinessKeys:
    """What these tell of keys."""
    found = BusinessKeys(frozenset({"order_id", "aggregateid"}))
    found.learn(learnt)
    return found


def test_a_key_is_what_a_key_column_holds() -> None:
    """The one before an update too; what other columns hold is none."""
    one = committed(change("orders", order_id="17", product_id="18", n=None), change("stock"))
    assert keys().of(one) == {"17"}
    moved = Change(
        table="orders",
        operation=Operation.UPDATE,
        columns={"order_id": "18"},
        old_key={"order_id": "17"},
    )
    assert keys().of(committed(moved)) == {"17", "18"}


def test_an_id_that_was_seen_beside_a_key_stands_for_it() -> None:
    """On any server, before or after; one seen beside two keys stands for none."""
    outbox = committed(change("outbox", id=EVENT, aggregateid="17"))
    inbox = committed(change("inbox", event_id=EVENT.upper()), node="other-db")
    assert keys().of(inbox) == set()
    assert keys(outbox).of(inbox) == {"17"}
    again = committed(change("outbox", id=EVENT, aggregateid="18"))
    assert keys(outbox, again).of(inbox) == set()


def test_a_key_is_the_same_however_it_is_written() -> None:
    """An alias is what it stands for; ids have no capitals."""
    known = keys(committed(change("outbox", id=EVENT, aggregateid="17")))
    assert [known.same(key) for key in ("17", EVENT.upper(), OTHER.upper())] == ["17", "17", OTHER]
    by_id = committed(change("orders", order_id=OTHER.upper()))
    assert keys(by_id).of(by_id) == {OTHER}


def test_the_snapshot_has_a_row_for_each_change() -> None:
    """With its own key, or that of its transaction; of several keys it has none."""
    one = committed(change("orders", order_id="17", note=None), change("stock", product_id="a"))
    both = committed(change("a", order_id="1"), change("b", aggregateid="2"), change("c"), xid=8)
    rows = rows_of([one, both], keys())
    assert rows[0] == {
        "node": "db",
        "database": "d",
        "xid": 7,
        "lsn": "0/7",
        "position": 1,
        "table": "orders",
        "operation": "insert",
        "key": "17",
        "columns": json.dumps({"order_id": "17", "note": None}),
    }
    assert [(r["xid"], r["position"], r["table"], r["key"]) for r in rows[1:]] == [
        (7, 2, "stock", "17"),
        (8, 1, "a", "1"),
        (8, 2, "b", "2"),
        (8, 3, "c", None),
    ]


def test_what_was_written_is_said_as_in_addresses() -> None:
    """Each table and operation once, sorted."""
    assert detail_of(committed(change("b"), change("a", "update"), change("b"))) == (
        "a:update",
        "b:insert",
    )


O_I, O_U, X_I, X_U = "orders:insert", "orders:update", "outbox:insert", "outbox:update"


@pytest.mark.parametrize(
    "logged, detail, earlier, others, left",
    [
        # Nothing there, nothing before: before. One more than before: after.
        ([], (O_I,), 0, {}, []),
        ([(O_I,)], (O_I,), 0, {}, [0]),
        ([(O_I,)], (O_I,), 1, {}, []),
        ([(O_I,), (O_I,)], (O_I,), 1, {}, [1]),
        # Another transaction of the key is no evidence, alike or not.
        ([(X_U,)], (O_I,), 0, {}, []),
        ([(O_U,)], (O_U, X_I), 0, {(O_U,): 1}, []),
        ([(O_U,), (O_U, X_I)], (O_U, X_I), 0, {(O_U,): 1}, [1]),
        ([(O_U, X_I)], (O_U,), 0, {(O_U, X_I): 1}, []),
        # INSERT … ON CONFLICT DO UPDATE shows as an update; a second one after the first.
        ([(O_U,)], (O_I,), 0, {}, [0]),
        ([(O_I,), (O_U,)], (O_I,), 1, {}, [1]),
        ([(O_I,)], (O_I,), 1, {(O_U,): 1}, []),
        # A job that is inserted, updated by its worker, and about to be inserted again.
        ([(X_I,), (X_U,)], (X_I,), 1, {(X_U,): 1}, []),
        ([(X_I,), (X_U,), (X_I,)], (X_I,), 1, {(X_U,): 1}, [2]),
        # A statement that met no row leaves less, a trigger more than was said.
        ([(X_I,)], (O_U, X_I), 0, {}, [0]),
        ([("audit:insert", O_U)], (O_U,), 0, {}, [0]),
        ([("audit:insert", O_U)], (O_U,), 1, {}, []),
        ([("audit:insert", O_U), ("audit:insert", O_I)], (O_U,), 0, {(O_I,): 1}, [0]),
        # MERGE may have done any of three.
        ([("orders:delete",)], ("orders:merge",), 0, {}, [0]),
        # Others go on: the relay has marked the row since the order service was stopped.
        ([(O_I, X_I), (X_U,)], (O_I, X_I), 0, {}, [0]),
        ([(O_I, X_I), (X_U,)], (O_U, X_I), 0, {(O_I, X_I): 1}, []),
        ([(O_I, X_I), (X_U,), (O_U, X_I)], (O_U, X_I), 0, {(O_I, X_I): 1}, [2]),
        # An earlier one that changed nothing explains nothing that is clearly the effect.
        ([(O_U, X_I)], (O_U, X_I), 0, {(O_U,): 1}, [0]),
    ],
)
def test_what_is_left_is_the_effect(
    logged: list[tuple[str, ...]],
    detail: tuple[str, ...],
    earlier: int,
    others: dict[tuple[str, ...], int],
    left: list[int],
) -> None:
    """After what the wire has shown done is taken off."""
    assert unaccounted(logged, detail, earlier, others) == left


DETAILS = st.sets(
    st.sampled_from([O_I, O_U, X_I, X_U, "stock:insert", "stock:delete"]), min_size=1, max_size=3
).map(lambda parts: tuple(sorted(parts)))


@given(st.lists(DETAILS, max_size=8), DETAILS)
def test_a_log_that_is_as_the_wire_says_leaves_the_effect_and_nothing_else(
    done: list[tuple[str, ...]], detail: tuple[str, ...]
) -> None:
    """Whatever other transactions of the key there are."""
    others = {d: done.count(d) for d in done if d != detail}
    assert unaccounted(done, detail, done.count(detail), others) == []
    assert unaccounted([*done, detail], detail, done.count(detail), others) != []


@pytest.mark.parametrize(
    "told, found, like",
    [
        (("a:insert",), ("a:insert",), Likeness.WHOLE),
        (("a:insert", "b:insert"), ("a:insert", "b:update"), Likeness.WHOLE),
        (("a:insert", "b:update"), ("b:update",), Likeness.PART),
        (("a:insert",), ("a:insert", "audit:insert"), Likeness.PART),
        (("a:insert",), ("a:update",), Likeness.POSSIBLE),
        (("a:insert",), ("a:update", "audit:insert"), Likeness.POSSIBLE),
        (("a:insert", "b:update"), ("a:update",), Likeness.NONE),
        (("a:update",), ("a:insert",), Likeness.NONE),
        (("a:insert",), ("b:insert",), Likeness.NONE),
    ],
)
def test_likeness_is_in_what_was_written(
    told: tuple[str, ...], found: tuple[str, ...], like: Likeness
) -> None:
    """An operation may have come out as another, but then something else must be the same."""
    assert likeness(told, found) is like
