"""The command as a user calls it: a process of its own, in and out."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-c", "from harness.cli import main; main()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)


Aftershock = Callable[..., Answer]


def calling(home: Path, *, timeout_s: float) -> Aftershock:
    """Runs the command in that folder, or in `cwd`, and awaits its end; `prefix` comes before it."""

    def call(*arguments: str, cwd: Path = home, prefix: tuple[str, ...] = ()) -> Answer:
        done = subprocess.run(
            [*prefix, *COMMAND, *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "COLUMNS": "200"},
        )
        return Answer(code=done.returncode, out=done.stdout, err=done.stderr)

    return call
