"""What passed for one key: frames as messages, with what is known of their effects."""

from pathlib import Path

from harness.report.wire import Message, Shape, first_keys, read_messages
from tests.harness.traffic import Traffic


def told(scenario_dir: Path, traffic: Traffic, key: str = "17") -> tuple[Message, ...]:
    traffic.write(scenario_dir)
    return read_messages(scenario_dir, [key])[key]


def drawn(messages: tuple[Message, ...]) -> list[tuple[str, str, str, str]]:
    return [(m.sender, m.receiver, m.label, m.note) for m in messages]


def test_an_order_on_its_way_is_told_arrow_by_arrow(tmp_path: Path) -> None:
    """Requests by what they do, answers with transaction, place and offset."""
    t = Traffic()
    request = t.ask("client", "order", "http", "POST:/orders", "17", name="POST /orders")
    t.statement("order", "order-db", "INSERT INTO orders (order_id) VALUES ($1)", "17")
    t.committed("order", "order-db", "orders:insert", "17", xid=752)
    t.produce("order", "order.events", "17", "18", partition=2).acknowledged(offset=4)
    t.answer(request, "acknowledged", name="201")
    asked = t.offset_commit("inventory", "stock", "order.events", "17", offset=5)
    asked.acknowledged()
    assert drawn(told(tmp_path, t)) == [
        ("client", "order", "POST /orders", ""),
        ("order", "order-db", "INSERT INTO orders", ""),
        ("order", "order-db", "COMMIT orders:insert", ""),
        ("order-db", "order", "acknowledged", "xid 752 · 0/1A2F000"),
        ("order", "kafka-1", "PRODUCE order.events", "with 1 more key"),
        ("kafka-1", "order", "acknowledged", "order.events/2 offset 4"),
        ("order", "client", "201", ""),
        ("inventory", "kafka-1", "OFFSET COMMIT stock", "offset 5"),
        ("kafka-1", "inventory", "acknowledged", ""),
    ]


def test_shapes_tell_effects_answers_and_the_rest(tmp_path: Path) -> None:
    """What is done, what is said of it, and what leads to it."""
    t = Traffic()
    t.statement("order", "order-db", "SELECT 1 FROM orders FOR UPDATE", "17")
    t.committed("order", "order-db", "orders:update", "17", xid=7)
    assert [m.shape for m in told(tmp_path, t)] == [Shape.CONTEXT, Shape.REQUEST, Shape.ANSWER]


def test_a_replicated_transaction_is_one_message(tmp_path: Path) -> None:
    """Its rows by name, and the place of its commit; a flush has its position."""
    t = Traffic()
    t.wal("connect", "order-db", 7, "outbox", "17")
    t.frames[-2] |= {"lsn": "0/1"}
    t.flush("connect", "order-db", "order_outbox", "17", past="0/1A00700")
    assert drawn(told(tmp_path, t)) == [
        ("order-db", "connect", "WAL outbox:insert", "xid 7 · 0/1A00700"),
        ("connect", "order-db", "FLUSH order_outbox", "to 0/1A00730"),
    ]


def test_what_was_refused_or_never_answered_says_so(tmp_path: Path) -> None:
    """A flush is never answered, and nothing is wrong with that."""
    t = Traffic()
    t.commit("order", "order-db", "orders:insert", "17").failed("40001")
    t.produce("order", "order.events", "17")
    t.flush("connect", "order-db", "s", "17", past="0/10")
    found = told(tmp_path, t)
    assert [(m.is_failed, m.is_unanswered) for m in found] == [
        (False, False),
        (True, False),
        (False, True),
        (False, False),
    ]
    assert (found[1].label, found[1].note) == ("refused", "error 40001")
    assert found[2].says == "order to kafka-1: PRODUCE order.events, never answered"


def test_only_the_keys_own_messages_are_read(tmp_path: Path) -> None:
    """And of keys that are not in the trace none."""
    t = Traffic()
    t.committed("order", "order-db", "orders:insert", "1", xid=1)
    t.committed("order", "order-db", "orders:insert", "2", xid=2)
    t.write(tmp_path)
    found = read_messages(tmp_path, ["2", "3", "1"])
    assert {key: len(messages) for key, messages in found.items()} == {"2": 2, "1": 2}
    assert list(found) == ["2", "1"]
    assert first_keys(tmp_path, 5) == ("1", "2")


def test_without_a_trace_there_is_nothing(tmp_path: Path) -> None:
    """Nor where a crash cut the file off."""
    assert (read_messages(tmp_path, ["1"]), first_keys(tmp_path, 3)) == ({}, ())
    Traffic().write(tmp_path)
    (tmp_path / "trace.parquet").write_bytes(b"PAR1")
    (tmp_path / "snapshot" / "effects.parquet").write_bytes(b"")
    assert (read_messages(tmp_path, ["1"]), first_keys(tmp_path, 3)) == ({}, ())


def test_a_trace_without_its_effects_still_shows_frames(tmp_path: Path) -> None:
    """As messages of which no more is known."""
    t = Traffic()
    t.committed("order", "order-db", "orders:insert", "17", xid=7)
    t.write(tmp_path)
    (tmp_path / "snapshot" / "effects.parquet").unlink()
    found = read_messages(tmp_path, ["17"])["17"]
    assert [m.shape for m in found] == [Shape.CONTEXT, Shape.CONTEXT]
    assert [m.label for m in found] == ["commit", "commit acknowledged"]


def test_foreign_text_is_made_visible(tmp_path: Path) -> None:
    """Statements are anybody's."""
    t = Traffic()
    t.statement("order", "order-db", "CALL \x1b[31mred\u202e()", "17")
    (message,) = told(tmp_path, t)
    assert message.label == "CALL ␛[31mred\ufffd()"
    assert "\x1b" not in message.says
