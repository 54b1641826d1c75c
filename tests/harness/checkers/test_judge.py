"""From a stored scenario to its judgement."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkers.invariant import read_invariants
from harness.checkers.judge import judge, judged
from harness.errors import DeclarationError
from harness.files import write_parquet
from harness.model.record import ScenarioRecord
from harness.model.scenario import Hop
from harness.model.verdict import Verdict
from tests.harness.traffic import Traffic

Make = Callable[..., ScenarioRecord]

LOST = """\
-- id: no-row-lost
-- family: loss
-- guarantee: Every row has its copy.
-- patterns: all
-- summary: {count} of {judged} rows lost
-- needs: rows
-- needs: copies
-- scope:
SELECT count(*) FROM rows
-- counterexamples:
SELECT id AS key, 'gone' AS detail, true AS pending FROM rows ANTI JOIN copies USING (id)
"""


def with_invariants(record: ScenarioRecord, text: str = LOST) -> ScenarioRecord:
    folder = record.dir / "invariants"
    folder.mkdir()
    (folder / "lost.sql").write_text(text)
    return record


def test_a_scenario_is_judged_by_its_own_invariants(make: Make) -> None:
    """Anywhere, with nothing running."""
    record = make({"rows": {"id": ["1", "2"]}, "copies": {"id": ["1", "2"]}})
    told = judge(with_invariants(record))
    assert (told.verdict, told.as_expected) == (Verdict.PASS, True)
    assert [(f.invariant, f.judged) for f in told.judgement.findings] == [("no-row-lost", 2)]


def test_a_violation_comes_with_its_evidence(make: Make) -> None:
    """By key, with the hop where it broke."""
    hops = tuple(
        Hop(name=name, node="n", query=f"FROM {name} WHERE id = $key")
        for name in ("rows", "copies")
    )
    record = make({"rows": {"id": ["1", "2"]}, "copies": {"id": ["1"]}})
    told = judge(with_invariants(replace(record, hops=hops)))
    assert told.verdict is Verdict.VIOLATION
    assert told.evidence["no-row-lost"]["2"].broke_at == "copies"


def test_judging_changes_no_file_and_repeats_itself(make: Make) -> None:
    """The same verdict from the same files, every time."""
    record = with_invariants(make({"rows": {"id": ["1", "2"]}, "copies": {"id": ["1"]}}))
    before = {p: p.read_bytes() for p in record.dir.rglob("*") if p.is_file()}
    assert judge(record) == judge(record)
    assert {p: p.read_bytes() for p in record.dir.rglob("*") if p.is_file()} == before


def test_without_quiescence_nothing_absent_is_lost(make: Make, tmp_path: Path) -> None:
    """Not knowing whether the system came to rest is not knowing."""
    record = with_invariants(make({"rows": {"id": ["1"]}, "copies": {"id": ["2"]}}))
    place = tmp_path / "snapshot" / "quiescence.parquet"
    place.unlink()
    assert judge(record).verdict is Verdict.INCONCLUSIVE


def test_an_empty_quiescence_is_no_rest(make: Make, tmp_path: Path) -> None:
    """Nobody waited."""
    from harness.model.snapshot import QUIESCENCE_SCHEMA

    record = with_invariants(make({"rows": {"id": ["1"]}, "copies": {"id": ["2"]}}))
    place = tmp_path / "snapshot" / "quiescence.parquet"
    write_parquet(place, QUIESCENCE_SCHEMA.empty_table())
    assert judge(record).verdict is Verdict.INCONCLUSIVE


def test_an_invariant_that_does_not_parse_is_the_users_mistake(make: Make) -> None:
    """With file and line, before anything is judged."""
    record = with_invariants(make({}), LOST.replace("family: loss", "family: luck"))
    with pytest.raises(DeclarationError, match=r"lost\.sql:2: no family `luck`"):
        judge(record)


def test_the_judgement_is_put_into_the_record(make: Make) -> None:
    """By invariants given from outside, too."""
    record = with_invariants(make({"rows": {"id": ["1"]}, "copies": {"id": ["1"]}}))
    told = judged(record, read_invariants(record.dir / "invariants"))
    assert told.judged is not None
    assert told.judged.verdict is Verdict.PASS


def test_hazards_stand_beside_the_verdict(make: Make) -> None:
    """A dual write that went well is a PASS, and says that it could have gone otherwise."""
    record = with_invariants(make({"rows": {"id": ["1"]}, "copies": {"id": ["1"]}}))
    t = Traffic()
    t.committed("order", "order-db", "orders:insert", "1", xid=752)
    t.produce("order", "order.events", "1").acknowledged(offset=0)
    t.write(record.dir)
    told = judge(record)
    assert told.verdict is Verdict.PASS
    assert [(h.rule, h.keys) for h in told.hazards] == [("dual-write", ("1",))]
