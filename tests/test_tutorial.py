"""The tutorial is followed word by word: its files are written, its command is run, and what it
shows is what is printed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shown import assert_printed, page, shown

PAGE = page("tutorial/your-own-system.md")
_FILE = re.compile(
    r"^\*\*`(?P<path>[^`]+)`\*\*\n\n```\w+\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_COMMAND = re.compile(r"^```sh\naftershock (?P<arguments>.*)\n```$", re.MULTILINE)


@pytest.mark.stack
def test_whoever_follows_the_tutorial_sees_what_it_shows(tmp_path: Path) -> None:
    """The dual write is caught by the guarantee that it names, and the outbox keeps them all."""
    files = {found["path"]: found["body"] for found in _FILE.finditer(PAGE)}
    assert len(files) == 6
    for name, body in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(body, encoding="utf-8")
    (command,) = _COMMAND.findall(PAGE)
    done = subprocess.run(
        [
            sys.executable, "-c", "from harness.cli import main; main()",
            *command.split(), "--offline",
        ],
        cwd=tmp_path, env={**os.environ, "COLUMNS": "100"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    latest = tmp_path / "results" / "tickets" / "latest"
    document = json.loads((latest / "results.json").read_text(encoding="utf-8"))
    told = {(s["pattern"], s["fault"]): s["verdict"] for s in document["scenarios"]}
    kill = "kill-between-commit-and-publish"
    assert told == {
        ("dual-write", "none"): "PASS",
        ("dual-write", kill): "VIOLATION",
        ("outbox", "none"): "PASS",
        ("outbox", kill): "PASS",
    }, [s["reason"] for s in document["scenarios"]]
    assert document["exit_code"] == 0
    assert shown(PAGE).splitlines()[0] == f"tickets, seed {document['seed']}"
    assert_printed(PAGE, done.stdout)
