"""summary.md: what a CI job's page shows."""

from pathlib import Path

from harness.report.load import load
from harness.report.markdown import LIMIT_BYTES, markdown, write_markdown


def test_it_has_verdict_matrix_and_commands(run_dir: Path) -> None:
    """The sentence, one row a pattern, and how to reproduce what was remarkable."""
    text = write_markdown(run_dir).read_text(encoding="utf-8")
    assert "dual-write lost 1 of 40 orders" in text
    assert "| pattern | none | kill-between-commit-and-publish | connector-restart |" in text
    assert "| **dual-write** | ✅ PASS | 🛡️ control caught |  |" in text
    assert "aftershock run shop --pattern outbox-cdc --fault connector-restart --seed 7" in text
    assert "**not proved**" in text


def test_what_is_urgent_comes_first(run_dir: Path) -> None:
    """The undecided scenario stands above the control that was caught."""
    text = markdown(load(run_dir))
    assert text.index("⚠️ outbox-cdc") < text.index("🛡️ dual-write")


def test_it_is_cut_at_a_whole_line(run_dir: Path) -> None:
    """Too long a summary would be thrown away as a whole: it is cut, and says so."""
    run = load(run_dir)
    whole = markdown(run)
    assert len(whole.encode()) < LIMIT_BYTES
    for limit in (400, 700, 1100):
        text = markdown(run, limit_bytes=limit)
        assert len(text.encode()) <= limit + 4
        assert text.endswith("… cut here: the rest is in report.html\n")
        assert text.count("```") % 2 == 0


def test_hostile_values_stay_values(hostile_run_dir: Path) -> None:
    """Neither HTML nor table signs of a key get through."""
    text = markdown(load(hostile_run_dir))
    assert "<img" not in text
    assert "\x1b" not in text


def test_hazards_come_last_and_say_what_they_mean(run_dir: Path) -> None:
    """Below every verdict, once for all the faults under which they were seen."""
    text = markdown(load(run_dir))
    place = text.index("### ⚠️ Hazards")
    assert place > text.index("🛡️ dual-write")
    assert (
        "- <code>dual-write</code> in dual-write × kill-between-commit-and-publish: order committed "
        "and then published the same key 2 times. A crash in between loses the event for good."
    ) in text[place:]


def test_a_fault_at_a_point_has_both_cuts(run_dir: Path) -> None:
    """The address that was meant, and what the store said."""
    text = markdown(load(run_dir))
    assert "  - intended cut: after order/order-db/commit(orders:insert)/17&#35;1" in text
    assert "  - achieved cut: after: order-db: transaction 752 of key 17 wrote" in text
