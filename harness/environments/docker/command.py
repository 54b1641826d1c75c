"""A command that is executed to its end, of which nothing is told unless it fails."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import EnvironmentFailed

_TOLD_LINES = 12


def execute(
    argv: Sequence[str],
    *,
    name: str,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    apart: bool = False,
) -> None:
    """Run it. `name` is what it is called in messages; `apart`: Ctrl-C does not reach it. Blocking.
    Raises EnvironmentFailed with the end of what it said."""
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
            start_new_session=apart,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailed(f"{name} took longer than {timeout_s:g} s") from error
    except OSError as error:
        raise EnvironmentFailed(f"{name}: {error}") from error
    if done.returncode:
        raise EnvironmentFailed(
            f"{name} ended with {done.returncode}:\n{tail(done.stdout.splitlines())}"
        )


def tail(said: Sequence[str]) -> str:
    """The last of these lines, as messages show them."""
    return "\n".join(f"    {line}" for line in said[-_TOLD_LINES:])
