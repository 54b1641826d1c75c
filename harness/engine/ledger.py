"""The write-ahead ledger of heals: what must be undone is on disk before it is done.

One JSON line an entry, `{"id", "state": "open"|"healed", "fault", "undo"}`, flushed to the disk
before the injection begins. What a killed harness left is then known to the next one.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fault that was about to be injected."""

    id: int
    fault: str
    undo: Mapping[str, Any]


class Ledger:
    """Appends to `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = _lines(path)
        self._next = max((int(line["id"]) for line in lines), default=-1) + 1

    def open(self, fault: str, undo: Mapping[str, Any]) -> int:
        """Record an injection that is about to happen. Returns its id for `close`."""
        number = self._next
        self._next += 1
        self._append({"id": number, "state": "open", "fault": fault, "undo": dict(undo)})
        return number

    def close(self, number: int) -> None:
        """Record that it was healed."""
        self._append({"id": number, "state": "healed"})

    def _append(self, line: Mapping[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            # A line that a crash has cut off must not take this one with it.
            file.write("\n" + json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


def open_entries(path: Path) -> tuple[Entry, ...]:
    """What was injected and never healed; a line cut off by a crash counts as not written."""
    entries: dict[int, Entry] = {}
    for line in _lines(path):
        if line["state"] == "open":
            entries[line["id"]] = Entry(id=line["id"], fault=line["fault"], undo=line["undo"])
        else:
            entries.pop(line["id"], None)
    return tuple(entries.values())


def _lines(path: Path) -> list[dict[str, Any]]:
    """Every whole line, in order."""
    if not path.exists():
        return []
    found = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found
