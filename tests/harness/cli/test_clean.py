"""`aftershock clean` removes the places of dead runs and no other."""

import json
import os
from pathlib import Path

import pytest

from harness.cli import place
from harness.cli.clean import clean
from harness.engine.ledger import Ledger


def _dead(cache: Path) -> place.Place:
    """A place whose keeper has ended: nobody holds its lock."""
    taken = place.take(cache, cache)
    assert taken.lock is not None
    os.close(taken.lock)
    return taken


def test_a_dead_runs_place_is_removed_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what the ledger says was never healed."""
    dead, alive = _dead(tmp_path), place.take(tmp_path, tmp_path)
    Ledger(dead.ledger).open("broker-partition", {"mend": [["order", "kafka-1"]]})
    assert clean(tmp_path, as_json=False) == 0
    out = capsys.readouterr().out
    assert str(dead.path) in out and "broker-partition was not healed" in out
    assert not dead.path.exists() and alive.path.exists()


def test_as_json_it_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Place, pid, size and what was not healed."""
    dead = _dead(tmp_path)
    Ledger(dead.ledger).open("kill", {"release": "order"})
    clean(tmp_path, as_json=True)
    (told,) = json.loads(capsys.readouterr().out)
    assert told["place"] == str(dead.path) and told["bytes"] > 0
    assert told["unhealed"] == [{"fault": "kill", "undo": {"release": "order"}}]


def test_with_nothing_to_do_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty cache is no error."""
    assert clean(tmp_path / "none", as_json=False) == 0
    assert capsys.readouterr().out == "nothing to clean\n"
