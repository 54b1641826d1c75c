"""What test_decoding writes, read from its lines."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire.sql import Operation, Write
from harness.wire.test_decoding import (
    Change,
    Transaction,
    Undecodable,
    read_changes,
    read_transactions,
)


def test_a_transaction_is_what_stands_between_its_begin_and_its_commit() -> None:
    """Its LSN is the commit's; a message of somebody's is no change."""
    lines = [
        ("0/10", 752, "BEGIN 752"),
        ("0/20", 752, "table public.orders: INSERT: order_id[text]:'17' quantity[integer]:2"),
        ("0/30", 752, "message: transactional: 1 prefix: p, sz: 8 content:COMMIT 7"),
        ("0/40", 752, "table public.stock: UPDATE: product_id[text]:'a' on_hand[integer]:-3"),
        ("0/50", 752, "COMMIT 752 (at 2026-01-01 12:00:00.5+00)"),
        ("0/60", 754, "BEGIN 754"),
        ("0/70", 754, "COMMIT 754"),
    ]
    assert read_transactions(lines) == [
        Transaction(
            xid=752,
            lsn="0/50",
            changes=(
                Change(
                    table="orders",
                    operation=Operation.INSERT,
                    columns={"order_id": "17", "quantity": "2"},
                ),
                Change(
                    table="stock",
                    operation=Operation.UPDATE,
                    columns={"product_id": "a", "on_hand": "-3"},
                ),
            ),
            at="2026-01-01 12:00:00.5+00",
        ),
        Transaction(xid=754, lsn="0/70", changes=()),
    ]
    assert read_transactions(lines)[0].writes == {
        Write(table="orders", operation=Operation.INSERT),
        Write(table="stock", operation=Operation.UPDATE),
    }


@pytest.mark.parametrize(
    "text, columns",
    [
        ("name[character varying]:'it''s'", {"name": "it's"}),
        ("at[timestamp with time zone]:'2026-01-01 00:00:00+00'", {"at": "2026-01-01 00:00:00+00"}),
        ("n[numeric[]]:'{1,NULL,2.50}'", {"n": "{1,NULL,2.50}"}),
        ("n[numeric]:NaN m[double precision]:-Infinity", {"n": "NaN", "m": "-Infinity"}),
        ("a[text]:null b[text]:'null'", {"a": None, "b": "null"}),
        ("a[text]:unchanged-toast-datum b[integer]:1", {"b": "1"}),
        ("a[text]:'unchanged-toast-datum'", {"a": "unchanged-toast-datum"}),
        ("f[boolean]:true bits[bit varying]:B'0101'", {"f": "true", "bits": "0101"}),
        ('"odd ""name"" [x]:"[text]:\'1\'', {'odd "name" [x]:': "1"}),
        ("k[other.\"kind ]: ''\"]:'v' n[integer]:1", {"k": "v", "n": "1"}),
        ("c[\"char\"]:'x' d[public.\"Mood\"[]]:'{}'", {"c": "x", "d": "{}"}),
        ("t[text]:'two\nlines and a b[text]:''c'''", {"t": "two\nlines and a b[text]:'c'"}),
        ("t[text]:'' u[text]:''''", {"t": "", "u": "'"}),
    ],
)
def test_every_value_is_told_as_the_table_has_it(text: str, columns: dict[str, object]) -> None:
    """Quotes are gone, null is None, what was not sent is left out."""
    (change,) = read_changes(f"table public.t: INSERT: {text}")
    assert change.columns == columns


def test_an_update_may_tell_what_identified_the_row_before() -> None:
    """The old key is kept beside the new row."""
    (change,) = read_changes(
        "table public.t: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 a[text]:'x'"
    )
    assert (change.old_key, change.columns) == ({"id": "1"}, {"id": "2", "a": "x"})


def test_a_row_without_identity_is_deleted_without_a_word() -> None:
    """There are no columns then."""
    assert read_changes("table public.t: DELETE: (no-tuple-data)") == (
        Change(table="t", operation=Operation.DELETE),
    )
    assert read_changes("table public.t: DELETE: id[integer]:1")[0].columns == {"id": "1"}


def test_tables_are_named_as_in_addresses() -> None:
    """`public.` is left out, another schema is not; TRUNCATE names several."""
    changes = read_changes('table public.a, archive."B, c", public."d.E": TRUNCATE: cascade')
    assert [c.table for c in changes] == ["a", "archive.B, c", "d.E"]
    assert {c.operation for c in changes} == {Operation.TRUNCATE}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "table",
        "table public.t",
        "table t: INSERT: a[text]:'1'",
        "table public.t: UPSERT: a[text]:'1'",
        "table public.t: INSERT: a[text]:'never ends",
        "table public.t: INSERT: a[text:'1'",
        "table public.t: INSERT: a[text]:'1'rest",
        "table public.t: UPDATE: old-key: a[text]:'1'",
        "table public.t, public.u: INSERT: a[text]:'1'",
        "PREPARE TRANSACTION 'g', txid 7",
    ],
)
def test_what_test_decoding_does_not_write_is_refused(text: str) -> None:
    """It must not be taken for a change of something else."""
    with pytest.raises(Undecodable):
        read_changes(text)


@pytest.mark.parametrize(
    "texts",
    [["COMMIT 1"], ["table public.t: INSERT: a[text]:'1'"], ["BEGIN 1"], ["BEGIN 1", "BEGIN 2"]],
)
def test_half_a_transaction_is_refused(texts: list[str]) -> None:
    """A slot gives whole ones."""
    with pytest.raises(Undecodable):
        read_transactions([("0/1", 1, text) for text in texts])


CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
NAMES = st.text(CHARACTERS, min_size=1)
VALUES = st.none() | st.text(CHARACTERS)


def quoted(name: str) -> str:
    """As quote_identifier() does where a name is no plain word."""
    return '"' + name.replace('"', '""') + '"'


def line(table: str, columns: dict[str, str | None], kind: str) -> str:
    """One INSERT as test_decoding writes it, with every name quoted."""
    told = "".join(
        f" {quoted(name)}[{kind}]:"
        + ("null" if value is None else "'" + value.replace("'", "''") + "'")
        for name, value in columns.items()
    )
    return f"table public.{quoted(table)}: INSERT:{told or ' (no-tuple-data)'}"


@settings(max_examples=300, deadline=None)
@given(
    table=NAMES,
    columns=st.dictionaries(NAMES, VALUES, max_size=5),
    kind=st.sampled_from(["text", "character varying", "numeric[]"]) | NAMES.map(quoted),
)
def test_any_name_and_any_value_come_back(
    table: str, columns: dict[str, str | None], kind: str
) -> None:
    """Nothing in a value can look like the next column, nothing in a type like a value."""
    (change,) = read_changes(line(table, columns, kind))
    assert change == Change(table=table, operation=Operation.INSERT, columns=columns)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="table public. :INSERT[]'\"ab,\n-", max_size=80))
def test_any_other_text_is_read_or_refused(text: str) -> None:
    """Nothing else comes of it."""
    try:
        changes = read_changes("table public.t: INSERT:" + text)
    except Undecodable:
        return
    assert [c.table for c in changes] == ["t"]


@pytest.mark.parametrize("piece", ["'", '"', "''", "[", "a[", 'a[text]:"', " a[text]:'x"])
def test_a_hostile_line_takes_no_longer(piece: str) -> None:
    """A megabyte of it; a scanner that goes back would not end."""
    with pytest.raises(Undecodable):
        read_changes("table public.t: INSERT: a[text]:'" + piece * (1_000_000 // len(piece)) + "[")
