"""Keys of transactions, from the statements of real sessions."""

from harness.model.frame import Frame
from harness.trace.state import State
from harness.trace.tracer import Tracer
from harness.trace.transaction_keys import TransactionKeys
from tests.harness.trace.links import Database, effects
from tests.harness.wire.conversations import ERROR, query, ready


def told(*statements: str) -> list[str]:
    """What is asked for, when these run one after another in one session."""
    db = Database(Tracer(frozenset({"k"})), "c", "s")
    in_block = False
    frames: list[Frame] = []
    for sql in statements:
        word = sql.split(maxsplit=1)[0]
        in_block = (in_block or word == "BEGIN") and word not in {"COMMIT", "PREPARE"}
        in_block &= sql != "ROLLBACK"
        tag = {"INSERT": "INSERT 0 1", "PREPARE": "PREPARE TRANSACTION"}.get(word, word)
        tag = "COMMIT PREPARED" if sql.startswith("COMMIT PREPARED") else tag
        frames += db.run(sql, tag, "T" if in_block else "I")
    return [text for text in effects(frames) if text.startswith("?")]


def add(key: int, table: str = "t") -> str:
    return f"INSERT INTO {table} (k) VALUES ({key})"


def test_a_commit_has_the_keys_of_its_statements() -> None:
    """Each once and sorted; the next transaction has its own."""
    assert told("BEGIN", add(2), add(1), add(2, "u"), "COMMIT", add(3)) == [
        "?c/s/commit(t:insert,u:insert)/1#1 c/s/commit(t:insert,u:insert)/2#1",
        "?c/s/commit(t:insert)/3#1",
    ]


def test_what_is_rolled_back_is_forgotten() -> None:
    assert told("BEGIN", add(1), "ROLLBACK", add(2)) == ["?c/s/commit(t:insert)/2#1"]


def test_a_query_of_several_transactions_has_all_their_keys() -> None:
    """It is one request. A commit that was never asked for, because its transaction had failed,
    leaves nothing to the next one."""
    db = Database(Tracer(frozenset({"k"})), "c", "s")
    told = db.say(query(f"BEGIN; {add(1)}; COMMIT; BEGIN; {add(2)}; ROLLBACK; {add(3)}"))
    assert effects(told) == ["?c/s/commit(t:insert)/1#1 c/s/commit(t:insert)/3#1"]
    db = Database(Tracer(frozenset({"k"})), "c", "s")
    db.begin()
    db.say(query(add(1)), ERROR, ready("E"))
    db.commit("ROLLBACK")
    assert effects(db.run(add(2), "INSERT 0 1", "I"))[0] == "?c/s/commit(t:insert)/2#1"


def test_a_savepoint_is_gone_back_to() -> None:
    """As psycopg's nested transactions and Django's atomic blocks do; of two the inner one."""
    statements = (
        "BEGIN",
        add(1),
        'SAVEPOINT "s"',
        add(2),
        'SAVEPOINT "s"',
        add(3),
        'ROLLBACK TO SAVEPOINT "s"',
        add(4),
        'RELEASE "s"',
        "ROLLBACK TO unknown",
        "COMMIT",
    )
    assert told(*statements) == [
        "?c/s/commit(t:insert)/1#1 c/s/commit(t:insert)/2#1 c/s/commit(t:insert)/4#1"
    ]


def test_a_prepared_transaction_keeps_its_keys() -> None:
    """Until it is committed, while others run."""
    statements = ("BEGIN", add(1), "PREPARE TRANSACTION 'x'", add(2), "COMMIT PREPARED 'x'")
    assert told(*statements) == ["?c/s/commit(t:insert)/2#1", "?c/s/commit(t:insert)/1#1"]


def test_statements_that_changed_no_row_have_no_keys() -> None:
    """Where their table is not among what is committed."""
    db = Database(Tracer(frozenset({"k"})), "c", "s")
    db.begin()
    db.run("INSERT INTO t (k) VALUES (1) ON CONFLICT DO NOTHING", "INSERT 0 0")
    db.run("INSERT INTO u (k) VALUES (2)", "INSERT 0 1")
    assert effects(db.commit())[0] == "?c/s/commit(u:insert)/2#1"


def test_a_transaction_of_very_many_keys_has_some() -> None:
    """The first ones, in order."""
    keys = TransactionKeys(State(frozenset({"k"})))
    assert keys.end(frozenset()) == ()
    db = Database(Tracer(frozenset({"k"})), "c", "s")
    values = ", ".join(f"({n:04})" for n in range(600))
    db.run(f"INSERT INTO t (k) VALUES {values}", "INSERT 0 600", "I")
    effect = next(f.effect for f in db.frames if f.effect)
    assert (len(effect.keys), effect.keys[0], effect.keys[-1]) == (512, "0000", "0511")
