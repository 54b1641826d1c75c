"""Toxiproxy's server as a process in the run's outer namespace, and which addresses its proxies
have among the taps', in any environment.

It ends with the run, however that ends: the outer namespace takes it along.
"""

import asyncio
import os
import subprocess
from pathlib import Path

from harness.errors import EnvironmentFailed

ADDRESS = "198.19.2.1"
"""Where it listens for taps; no tap has an address that begins so."""
EXIT = "198.19.3.1"
"""Where it dials: taps listen there."""
CONTROL_PORT = 8474
FIRST_PORT = 10_000
"""Of its proxies."""
_END_S = 5.0


class ToxiproxyServer:
    """One process of `program`; what it prints goes to `log`."""

    def __init__(self, program: Path, log: Path) -> None:
        self._program = program
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def control(self) -> str:
        """The address at which it is told what to do."""
        return ADDRESS

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return (
            None if self._process is None or self._process.poll() is not None else self._process.pid
        )

    @property
    def failure(self) -> str | None:
        """That it was started and has ended by itself, in one sentence."""
        if self._process is None or self._process.poll() is None:
            return None
        return f"toxiproxy-server ended by itself with {self._process.returncode}; see {self._log}"

    async def start(self) -> None:
        """Start it; that it answers is to be asked. Raises EnvironmentFailed."""
        with self._log.open("ab") as log:
            try:
                self._process = await asyncio.to_thread(
                    subprocess.Popen,
                    [str(self._program), "-host", ADDRESS, "-port", str(CONTROL_PORT)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                    # Else several lines for every connection.
                    env={**os.environ, "LOG_LEVEL": "warn"},
                    # Ctrl-C is for the harness, which has toxics to remove yet.
                    start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise EnvironmentFailed(
                    f"{self._program} cannot be executed: {error.strerror}"
                ) from error

    async def close(self) -> None:
        """End it. Idempotent."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, _END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)
