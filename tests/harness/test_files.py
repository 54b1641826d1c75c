"""Files of a run, also when there is no room for them."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest

from harness.errors import EnvironmentFailed
from harness.files import safe_name, write_json, write_parquet


@pytest.mark.parametrize(
    "name, safe",
    [
        ("order.events", "order.events"),
        ("a b/c", "a_b_c"),
        ("../../etc", "_._.._etc"),
        ("..", "_."),
        (".hidden", "_hidden"),
        ("", "_"),
        ("naïve", "na_ve"),
    ],
)
def test_names_become_file_names(name: str, safe: str) -> None:
    """None leaves its directory or hides in it."""
    assert safe_name(name) == safe
    assert "/" not in safe
    assert safe not in {".", ".."}


def test_json_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """What cannot be written leaves the old file and no rest."""
    path = tmp_path / "results.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="Circular"):
        write_json(path, circular())
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


def circular() -> dict[str, object]:
    inner: dict[str, object] = {}
    inner["self"] = inner
    return inner


def test_odd_text_from_the_system_can_be_stored(tmp_path: Path) -> None:
    """Lone surrogates and control characters come from users' data."""
    write_json(tmp_path / "x.json", {"says": "a\ud800b\x00ü"})
    assert json.loads((tmp_path / "x.json").read_text())["says"].startswith("a")


def test_a_full_disk_leaves_the_last_good_file(tmp_path: Path) -> None:
    """And nothing half-written beside it."""
    write_json(tmp_path / "run.json", {"a": 1})
    (tmp_path / f".run.json.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(EnvironmentFailed, match=r"run\.json: no space left"):
        write_json(tmp_path / "run.json", {"a": 2})
    assert json.loads((tmp_path / "run.json").read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_a_full_disk_is_told_of_tables_too(tmp_path: Path) -> None:
    """Parquet is written through the same door."""
    (tmp_path / f".t.parquet.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(EnvironmentFailed, match=r"t\.parquet: no space left"):
        write_parquet(tmp_path / "t.parquet", pa.table({"a": list(range(100_000))}))
    assert list(tmp_path.iterdir()) == []
