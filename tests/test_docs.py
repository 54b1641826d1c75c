"""What the documents say is so: their commands run, their links lead somewhere."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from harness.checkers.invariant import Invariant, parse
from harness.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
RUN_MARK = "<!-- run -->"
_FENCE = re.compile(r"(?P<mark><!-- run -->\n)?```(?P<language>\w*)\n(?P<body>.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)(?:#[^)]*)?\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a document."""

    name: str
    language: str
    body: str
    is_run: bool


def documents() -> list[Path]:
    """Every Markdown file that is written for people."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks() -> Iterator[Block]:
    """Every fenced block of every document."""
    for path in documents():
        text = path.read_text(encoding="utf-8")
        for found in _FENCE.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield Block(
                name=f"{path.relative_to(ROOT)}:{line}",
                language=found["language"],
                body=found["body"],
                is_run=found["mark"] is not None,
            )


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every call of aftershock in a shell block, as (where, arguments)."""
    for block in blocks():
        if block.language == "sh":
            for line in block.body.replace("\\\n", " ").splitlines():
                call = re.search(r"\baftershock [^<>|]*", line)
                if call and not line.startswith(("#", "python3 -m pip")):
                    yield block.name, shlex.split(call[0], comments=True)[1:]


RUN_BLOCKS = [block for block in blocks() if block.is_run]
COMMANDS = list(commands())


@pytest.mark.parametrize("block", RUN_BLOCKS, ids=[block.name for block in RUN_BLOCKS])
def test_commands_that_are_marked_to_run_do(block: Block) -> None:
    """As they stand there, one after the other, with this interpreter's aftershock."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.body],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_some_commands_are_marked_to_run() -> None:
    """A typo in the mark must not take all of them away."""
    marks = sum(path.read_text(encoding="utf-8").count(RUN_MARK) for path in documents())
    assert RUN_BLOCKS
    # The one that is not followed by a block explains the mark.
    assert marks == len(RUN_BLOCKS) + 1


@pytest.mark.parametrize(
    ("where", "arguments"), COMMANDS, ids=[f"{w} {' '.join(a)}" for w, a in COMMANDS]
)
def test_every_command_in_the_documents_is_understood(where: str, arguments: list[str]) -> None:
    """Command and options exist and take what they are given; nothing is executed."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    assert arguments, where
    if arguments[0] == "--help":
        return
    assert arguments[0] in root.commands, where
    with root.make_context("aftershock", arguments, resilient_parsing=True) as context:
        root.commands[arguments[0]].make_context(arguments[0], arguments[1:], parent=context)


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(path: Path) -> None:
    """Within the repository; pictures too."""
    text = path.read_text(encoding="utf-8")
    wanted = _LINK.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    assert [link for link in wanted if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("script", ["gen_reference.py", "gen_whats_here.py"])
def test_what_scripts_write_is_current(script: str) -> None:
    """Run the script to mend it."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / script, "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"run scripts/{script}: {done.stdout}{done.stderr}"


def test_the_invariant_in_the_how_to_is_a_valid_one() -> None:
    """Who copies it has something that works."""
    page = "docs/how-to/write-an-invariant.md"
    (body,) = (b.body for b in blocks() if b.language == "sql" and b.name.startswith(page))
    invariant = parse(body, Path(page))
    assert isinstance(invariant, Invariant)
    assert invariant.id == "no-event-lost"
