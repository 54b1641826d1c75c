"""A run's place is alive exactly as long as its keeper."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import place
from harness.errors import EnvironmentFailed


def test_a_place_of_this_process_is_living(tmp_path: Path) -> None:
    """And no leftover."""
    taken = place.take(tmp_path, tmp_path)
    assert [living.keeper for living in place.living(tmp_path)] == [os.getpid()]
    assert place.leftovers(tmp_path) == ()
    taken.remove()
    assert place.living(tmp_path) == ()


def test_a_place_of_an_ended_process_is_a_leftover(tmp_path: Path) -> None:
    """Its pid is told."""
    program = (
        "import sys, pathlib; from harness.cli import place; "
        "place.take(pathlib.Path(sys.argv[1]), pathlib.Path('/'))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    assert done.returncode == 0
    (left,) = place.leftovers(tmp_path)
    assert left.keeper != os.getpid() and left.bytes > 0
    assert place.living(tmp_path) == ()


def test_a_run_that_another_process_holds_is_no_leftover(tmp_path: Path) -> None:
    """Whatever its pid says here: it may live in another PID namespace."""
    taken = place.take(tmp_path, tmp_path)
    path = taken.path / "keeper.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": 999_999_999}))
    assert place.leftovers(tmp_path) == ()
    (living,) = place.living(tmp_path)
    assert not place.is_keeper(living)


def test_the_lock_is_held_as_long_as_any_child_lives(tmp_path: Path) -> None:
    """The harness goes on for a moment when its keeper was killed."""
    taken = place.take(tmp_path, tmp_path)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    assert taken.lock is not None
    os.close(taken.lock)
    assert place.leftovers(tmp_path) == ()
    os.close(read)
    os.close(write)
    os.waitpid(child, 0)
    assert [left.place.path for left in place.leftovers(tmp_path)] == [taken.path]


def test_a_place_cut_off_while_it_was_made_is_a_leftover(tmp_path: Path) -> None:
    """A harness that was killed before it wrote its name."""
    (tmp_path / "runs" / "abc").mkdir(parents=True)
    (tmp_path / "runs" / "abc" / "keeper.json").write_text('{"pid": 1')
    assert [left.place.path.name for left in place.leftovers(tmp_path)] == ["abc"]


def test_what_up_told_is_read_back(tmp_path: Path) -> None:
    """And a broken telling is none."""
    taken = place.take(tmp_path, tmp_path)
    taken.up.write_text('{"suite": "shop"}')
    assert [dict(living.told) for living in place.living(tmp_path)] == [{"suite": "shop"}]
    taken.up.write_text("[")
    assert [dict(living.told) for living in place.living(tmp_path)] == [{}]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(EnvironmentFailed, match=r"runs/.*XDG_CACHE_HOME"):
        place.take(tmp_path, tmp_path)
