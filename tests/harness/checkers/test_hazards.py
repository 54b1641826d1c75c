"""Rules over traces: what all of them share. Each fires on a broken twin with the right keys, and is
silent on a sound one, in `hazards/`."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkers.hazards import Rules, read_rules, watch
from harness.errors import DeclarationError
from harness.model.outbox import Outbox
from tests.harness.checkers.watched import OUTBOX, PLACED, Make, dual_write, outbox_flow, watched
from tests.harness.traffic import Traffic


def test_a_run_without_a_trace_has_no_hazards(make: Make) -> None:
    """Nor were any looked for."""
    assert watch(make({})) == ()


def test_an_empty_trace_gives_nothing_to_judge(make: Make) -> None:
    """Every rule was applied, to nothing."""
    found = watched(make({}), Traffic())
    assert {name: (w.judged, w.hazards, w.undecided) for name, w in found.items()} == {
        "dual-write": (0, (), None),
        "flush-beyond-acknowledged": (0, (), None),
        "marked-before-acknowledged": (0, (), None),
        "offset-before-effect": (0, (), None),
        "published-before-commit": (0, (), None),
    }


def test_a_sound_outbox_is_silent_under_every_rule_that_applies(make: Make) -> None:
    """And each of these has judged something."""
    t = Traffic()
    for n in range(1, 6):
        outbox_flow(t, str(n), n)
    found = watched(make({}), t)
    assert [w.rule for w in found.values() if w.hazards or w.undecided] == []
    assert {name: w.judged for name, w in found.items()} == {
        "dual-write": 10,
        "flush-beyond-acknowledged": 0,
        "marked-before-acknowledged": 5,
        "offset-before-effect": 5,
        "published-before-commit": 0,
    }


def test_a_node_that_could_not_be_read_to_the_end_is_accused_of_nothing(make: Make) -> None:
    """What was not seen may have been done."""
    t = Traffic()
    dual_write(t, "1", 1, 2)
    t.lost_sync("order", "kafka-1")
    found = watched(make({}), t)
    assert (found["dual-write"].hazards, found["dual-write"].judged) == ((), 0)


def test_without_transactions_every_update_of_the_outbox_is_a_mark(make: Make) -> None:
    """A server's log that was not read tells nothing."""
    t = Traffic()
    t.committed("order", "order-db", PLACED, "1", xid=1)
    t.committed("relay", "order-db", "outbox:update", "1", xid=2, sent_at=None)
    t.produce("relay", "order.events", "1").acknowledged(offset=1)
    record = make({})
    t.write(record.dir)
    (record.dir / "snapshot" / "transactions.parquet").unlink()
    found = {w.rule: w for w in watch(replace(record, outboxes=(OUTBOX,)))}
    assert [h.keys for h in found["marked-before-acknowledged"].hazards] == [("1",)]


def test_names_are_text_and_never_sql(make: Make) -> None:
    """Nodes, tables and keys are foreign data."""
    t = Traffic()
    for key in ("1' OR '1'='1", '"x"'):
        t.committed("o'rder", "d'b", "orders:insert", key, xid=1)
        t.produce("o'rder", "t'opic", key).acknowledged(offset=1)
    record = replace(make({}), outboxes=(Outbox(node="d'b", table="o'x", sent='s"'),))
    t.write(record.dir)
    (hazard,) = [h for w in watch(record) for h in w.hazards]
    assert (hazard.node, hazard.count) == ("o'rder", 2)


def test_a_rule_that_fails_is_undecided(make: Make, tmp_path: Path) -> None:
    """And the others are applied all the same."""
    folder = tmp_path / "rules"
    folder.mkdir()
    head = "-- rule: {}\n-- says: s\n-- summary: {{node}}\n-- needs: trace\n-- scope:\n{}\n"
    (folder / "a.sql").write_text(head.format("a", "SELECT nope") + "-- hazards:\nSELECT 1\n")
    none = "-- hazards:\nSELECT node, '1' AS key FROM trace WHERE false\n"
    (folder / "b.sql").write_text(head.format("b", "SELECT 7") + none)
    record = make({})
    Traffic().write(record.dir)
    first, second = watch(record, read_rules(folder))
    assert "nope" in (first.undecided or "")
    assert (second.judged, second.undecided) == (7, None)


def test_the_rules_read_like_sentences() -> None:
    """They are shown to people."""
    rules = read_rules()
    assert isinstance(rules, Rules)
    assert len(rules.all) == 5
    assert [r.id for r in rules.all if not r.says.endswith(".") or r.summary.endswith(".")] == []


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    """By the files' names."""
    text = "-- rule: a\n-- says: s\n-- summary: x\n-- scope:\nSELECT 1\n-- hazards:\nSELECT 1\n"
    (tmp_path / "a.sql").write_text(text)
    (tmp_path / "b.sql").write_text(text)
    with pytest.raises(DeclarationError, match=r"b\.sql:1: `a` is defined in a\.sql"):
        read_rules(tmp_path)
