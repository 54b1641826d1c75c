"""The write-ahead ledger, as a killed harness leaves it and as the next one finds it."""

from pathlib import Path

import pytest

from harness.engine.ledger import Entry, Ledger, open_entries


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a ledger is to be written."""
    return tmp_path / "ledger.jsonl"


def test_an_open_entry_is_on_disk_at_once(path: Path) -> None:
    """Another process sees it before anything is injected."""
    Ledger(path).open("kill", {"release": "order"})

    assert open_entries(path) == (Entry(id=0, fault="kill", undo={"release": "order"}),)


def test_a_healed_entry_is_not_open(path: Path) -> None:
    """Whatever the order in which they are healed."""
    ledger = Ledger(path)
    first, second = ledger.open("kill", {}), ledger.open("broker-partition", {})
    ledger.close(first)
    assert [entry.fault for entry in open_entries(path)] == ["broker-partition"]

    ledger.close(second)
    assert open_entries(path) == ()


def test_where_there_is_no_ledger_nothing_is_open(path: Path) -> None:
    """A harness that was killed before its first fault leaves none."""
    assert open_entries(path) == ()


def test_a_last_line_cut_by_a_crash_counts_as_not_written(path: Path) -> None:
    """At every length to which it can have been cut."""
    ledger = Ledger(path)
    ledger.open("kill", {"release": "order"})
    whole = path.read_bytes()
    ledger.open("broker-partition", {"mend": [["order", "kafka-1"]]})
    end = path.read_bytes()

    for length in range(len(whole), len(end) - 1):
        path.write_bytes(end[:length])
        assert [entry.fault for entry in open_entries(path)] == ["kill"]


def test_what_follows_a_cut_line_is_read(path: Path) -> None:
    """The next harness writes on; its first line must not be lost to the last one's cut."""
    Ledger(path).open("kill", {})
    with path.open("a", encoding="utf-8") as file:
        file.write('{"id": 1, "state": "op')

    Ledger(path).open("connect-kill", {})
    assert [entry.fault for entry in open_entries(path)] == ["kill", "connect-kill"]


def test_a_reopened_ledger_gives_new_ids(path: Path) -> None:
    """Closing a new entry never closes one that another harness left."""
    Ledger(path).open("kill", {})

    ledger = Ledger(path)
    ledger.close(ledger.open("connect-kill", {}))
    assert [entry.fault for entry in open_entries(path)] == ["kill"]


def test_ids_of_healed_entries_are_not_given_again_to_others(path: Path) -> None:
    """A close that was written twice closes nothing else."""
    first = Ledger(path)
    old = first.open("kill", {})
    first.close(old)

    second = Ledger(path)
    second.open("connect-kill", {})
    first.close(old)
    assert [entry.fault for entry in open_entries(path)] == ["connect-kill"]
