"""`aftershock list`."""

import json

import pytest

from harness.cli import suites
from harness.cli.listing import KINDS, print_rows, show
from harness.errors import DeclarationError


def _listed(kind: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    assert show(kind, "shop", as_json=True) == 0
    rows: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return rows


def test_patterns_say_what_they_promise(capsys: pytest.CaptureFixture[str]) -> None:
    """And which is a control, of what."""
    rows = _listed("patterns", capsys)
    shop = suites.load("shop")
    controls = [p.name for p in shop.patterns if p.control or p.controls]
    assert [row["name"] for row in rows] == [pattern.name for pattern in shop.patterns]
    assert [row["name"] for row in rows if row["control"]] == controls
    assert {"event-driven", "dual-write"} <= set(controls) and "outbox-cdc" not in controls
    assert all(row["promises"] for row in rows)


def test_faults_say_where_they_fit(capsys: pytest.CaptureFixture[str]) -> None:
    """`none` among them."""
    rows = {row["name"]: row for row in _listed("faults", capsys)}
    assert {"none", "kill", "broker-partition", "connect-kill"} <= rows.keys()
    by_fault = {name: row["patterns"] for name, row in rows.items()}
    assert by_fault["none"] == [pattern.name for pattern in suites.load("shop").patterns]
    assert _of_old(by_fault["connector-restart"]) == ["outbox-cdc"]
    assert _of_old(by_fault["kill-between-publish-and-mark"]) == ["outbox-polling", "outbox-cdc"]


def test_toxics_are_listed_by_their_forms(capsys: pytest.CaptureFixture[str]) -> None:
    """With the patterns that have a link for them where none is named."""
    rows = {row["name"]: row for row in _listed("faults", capsys)}
    late = rows["latency[=MS[±MS]][,SECONDS][:CLIENT/SERVER]"]
    assert late["says"] and late["proof"]
    assert _of_old(late["patterns"]) == ["dual-write", "outbox-polling", "outbox-cdc"]
    assert "rest-sync" not in str(late["patterns"])


def _of_old(patterns: object) -> list[str]:
    """Those among them that this test knows."""
    assert isinstance(patterns, list)
    return [name for name in patterns if name in {"dual-write", "outbox-polling", "outbox-cdc"}]


def test_points_are_listed_as_the_fault_that_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """By their form, with the actions there are."""
    row = _listed("faults", capsys)[-1]
    assert row["name"] == "ACTION:NODE:before|after:ADDRESS"
    assert "kill, pause[=SECONDS], cut[=SECONDS], reset" in str(row["says"])
    assert row["proof"]
    assert row["patterns"] == [pattern.name for pattern in suites.load("shop").patterns]


def test_what_looks_like_markup_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """`[=SECONDS]` is no style."""
    print_rows([{"name": "hold[=SECONDS]", "what": "[bold]x[/]"}], as_json=False)
    assert "hold[=SECONDS]" in (out := capsys.readouterr().out) and "[bold]x[/]" in out


def test_invariants_have_id_guarantee_and_family(capsys: pytest.CaptureFixture[str]) -> None:
    """The contract's fields."""
    rows = _listed("invariants", capsys)
    assert {"no-event-lost", "effect-exactly-once"} <= {row["id"] for row in rows}
    assert all(row["guarantee"] and row["family"] for row in rows)


def test_invariants_say_which_patterns_ask_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the suite's own folder hold for all; a folder's for the patterns that name it."""
    asking = {row["id"]: row["patterns"] for row in _listed("invariants", capsys)}
    assert asking["stock-conserved"] == asking["money-conserved"] == ["all"]
    assert _of_old(asking["outbox-drained"]) == ["outbox-polling", "outbox-cdc"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_list_has_a_table(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For people."""
    assert show(kind, "shop", as_json=False) == 0
    assert "name" in (out := capsys.readouterr().out) or "id" in out


def test_another_list_is_refused_with_those_there_are() -> None:
    """By name."""
    with pytest.raises(DeclarationError, match="suites, patterns, faults, invariants, points"):
        show("planets", "shop", as_json=False)
