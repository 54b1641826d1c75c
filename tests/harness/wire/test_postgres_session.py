"""What was asked and is not answered yet."""

from harness.wire.postgres_session import Asked, Pending, Session, remember, shortened
from harness.wire.sql import recognise_one

OLD, NEW = recognise_one("SELECT 1"), recognise_one("COMMIT")


def test_a_parse_that_never_happened_leaves_the_name_as_it_was() -> None:
    """The error before it swallowed it."""
    session = Session()
    session.prepared[b"s"] = NEW
    session.pending.append(Pending(asked=Asked.PARSE, name=b"s", statements=(NEW,), replaced=OLD))
    session.pending.append(Pending(asked=Asked.SYNC))
    assert [p.asked for p in session.skip_to_sync()] == [Asked.PARSE]
    assert session.prepared == {b"s": OLD}


def test_a_close_that_never_happened_leaves_the_name() -> None:
    """The statement is still there."""
    session = Session()
    session.pending.append(Pending(asked=Asked.CLOSE, name=b"s", replaced=OLD))
    list(session.skip_to_sync())
    assert session.prepared == {b"s": OLD}


def test_a_sync_before_the_rows_of_a_copy_is_forgotten() -> None:
    """The server ignores it; one before the COPY counts."""
    session = Session()
    copy = Pending(asked=Asked.EXECUTE)
    before = Pending(asked=Asked.SYNC)
    session.pending.extend([before, copy, Pending(asked=Asked.SYNC, is_tentative=True)])
    session.forget_tentative(copy)
    assert list(session.pending) == [before, copy]


def test_a_statement_that_waits_for_its_answer_is_shortened() -> None:
    """What is told of it was told when it was asked."""
    assert shortened(OLD) is OLD
    assert len(shortened(recognise_one("SELECT '" + "x" * 9000 + "'")).sql) == 1024


def test_of_too_many_names_the_oldest_is_forgotten() -> None:
    """Memory has a limit."""
    names: dict[str, int] = {}
    for i in range(2000):
        remember(names, str(i), i)
    assert len(names) == 1024
    assert "1999" in names
