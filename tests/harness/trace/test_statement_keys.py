"""Keys of statements, and what stands for them."""

from harness.trace.aliases import Aliases
from harness.trace.statement_keys import StatementKeys

ONE = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a01"
TWO = "7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a02"
OUTBOX = "INSERT INTO outbox (id, aggregateid) VALUES ($1, $2)"
SENT = "UPDATE outbox SET sent = true WHERE id = ANY($1::uuid[])"


def reader(*columns: str) -> StatementKeys:
    """With these key columns, or the outbox's."""
    return StatementKeys(frozenset(columns or {"aggregateid", "order_id"}), Aliases())


def test_ids_in_a_row_stand_for_its_key() -> None:
    """From then on, in every statement that has nothing better."""
    keys = reader()
    assert keys.keys(SENT, [f"{{{ONE}}}"]) == ()
    assert keys.keys(OUTBOX, [ONE, "17"]) == ("17",)
    assert keys.keys(OUTBOX, [TWO, "18"]) == ("18",)
    assert keys.keys(SENT, [f"{{{ONE},{TWO}}}"]) == ("17", "18")
    assert keys.keys(f"DELETE FROM outbox WHERE id = '{TWO}'", []) == ("18",)
    assert keys.keys("INSERT INTO inbox VALUES ($1)", [ONE]) == ("17",)


def test_a_key_counts_more_than_what_stands_for_one() -> None:
    keys = reader()
    keys.keys(OUTBOX, [ONE, "17"])
    sql = "UPDATE orders SET event = $1 WHERE order_id = $2"
    assert keys.keys(sql, [ONE, "18"]) == ("18",)


def test_rows_of_two_keys_teach_nothing() -> None:
    """Which of them an id would stand for is not known."""
    keys = reader()
    sql = "INSERT INTO links (order_id, aggregateid, id) VALUES ($1, $2, $3)"
    assert keys.keys(sql, ["17", "18", ONE]) == ("17", "18")
    assert keys.keys(SENT, [f"{{{ONE}}}"]) == ()


def test_each_row_teaches_its_own() -> None:
    keys = reader()
    keys.keys("INSERT INTO outbox (id, aggregateid) VALUES ($1, '17'), ($2, '18')", [ONE, TWO])
    assert keys.keys(SENT, [f"{{{TWO}}}"]) == ("18",)


def test_without_key_columns_there_are_no_keys() -> None:
    keys = StatementKeys(frozenset(), Aliases())
    assert keys.keys(OUTBOX, [ONE, "17"]) == ()


def test_columns_are_found_whatever_their_case() -> None:
    """Bare names are in small letters, quoted ones are what they are."""
    assert reader("order_id").keys("DELETE FROM t WHERE ORDER_ID = 17", []) == ("17",)
    assert reader("Order Id").keys('DELETE FROM t WHERE "Order Id" = 17', []) == ("17",)
    assert reader("a.b").keys("DELETE FROM t WHERE axb = 17", []) == ()


def test_many_texts_are_read_and_few_are_kept() -> None:
    """Statements with their values in them would fill the memory."""
    keys = reader()
    for number in range(3000):
        assert keys.keys(f"DELETE FROM t{number} WHERE order_id = -1", []) == ("-1",)
    assert 768 <= len(keys._templates) <= 1024
    long = "DELETE FROM t WHERE order_id IN (17" + ", 17" * 3000 + ")"
    assert keys.keys(long, []) == ("17",)
    assert long not in keys._templates
