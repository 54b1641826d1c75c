"""Excerpts of logs."""

from pathlib import Path

from harness.report.logs import excerpt

EPOCH = 1795409100.0  # 2026-11-23T04:45:00Z


def test_it_takes_what_was_near_and_tells_what_happened(tmp_path: Path) -> None:
    """Lines of all formats within two seconds, traces of a stack with them, moments among them."""
    (tmp_path / "db.log").write_text(
        "2026-11-23 04:45:01.000 UTC [1] LOG:  long before\n"
        "2026-11-23 04:45:09.500 UTC [1] LOG:  just before\n"
    )
    (tmp_path / "app.log").write_text(
        "=== aftershock 2026-11-23T04:45:10.200+00:00 app ended with -9\n"
        "2026-11-23T05:45:11.000+01:00 ERROR it broke\n    at publish (app.py:3)\n"
    )
    logs = sorted(tmp_path.glob("*.log"))
    found = excerpt(logs, EPOCH, [(10.0, "killed")], 100)
    assert [(line.node, line.text.split()[-1], line.level) for line in found.lines] == [
        ("db", "before", ""),
        ("", "killed", "moment"),
        ("app", "-9", "harness"),
        ("app", "broke", "error"),
        ("app", "(app.py:3)", ""),
    ]


def test_without_times_it_takes_the_ends(tmp_path: Path) -> None:
    """A log without times still shows something, and says what."""
    path = tmp_path / "app.log"
    path.write_text("".join(f"line {n}\n" for n in range(100)))
    found = excerpt([path], EPOCH, [(10.0, "killed")], 100)
    assert [line.text for line in found.lines] == [f"line {n}" for n in range(88, 100)]
    assert found.says.startswith("the ends of the logs")


def test_the_loud_lines_survive_cutting(tmp_path: Path) -> None:
    """Of a flood only a share is kept, and the error is in it."""
    path = tmp_path / "app.log"
    lines = [f"2026-11-23 04:45:10.{n:03d} INFO {n}" for n in range(1000)]
    lines[990] = "2026-11-23 04:45:11.990 ERROR here"
    path.write_text("\n".join(lines))
    found = excerpt([path], EPOCH, [(10.0, "killed")], 20)
    assert len(found.lines) == 21
    assert any(line.level == "error" for line in found.lines)
