"""Toxiproxy's server in a container that shares the network of the taps' sandbox: the addresses of
its proxies are local there, as they are in the outer namespace of a run in namespaces.
"""

import asyncio
import os
import select
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.environments import toxiproxy as place
from harness.environments.docker import names
from harness.environments.docker.engine import Engine

if TYPE_CHECKING:
    from docker.models.containers import Container


class ToxiproxyContainer:
    """One container of `image`; what it prints goes to `log`."""

    def __init__(self, engine: Engine, image: str, *, address: str, log: Path) -> None:
        """`address`: of the taps' sandbox, which this machine reaches."""
        self._engine = engine
        self._image = image
        self._address = address
        self._log = log
        self._container: Container | None = None
        self._pid: int | None = None
        self._pidfd: int | None = None

    @property
    def control(self) -> str:
        """The address at which it is told what to do."""
        return self._address

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return None if self._container is None or self._has_ended() else self._pid

    @property
    def failure(self) -> str | None:
        """That it was started and has ended by itself, in one sentence."""
        if self._container is None or not self._has_ended():
            return None
        return f"Toxiproxy's container ended by itself; see {self._log}"

    def _has_ended(self) -> bool:
        if self._pidfd is None:
            return True
        return bool(select.select([self._pidfd], [], [], 0)[0])

    async def start(self) -> None:
        """Start it; that it answers is to be asked. Raises EnvironmentFailed."""
        began = time.time()
        self._container = await asyncio.to_thread(
            self._engine.run_beside,
            names.TAPS_SANDBOX,
            self._image,
            # Not at every address: a tap may have the same port on one.
            ["-host", self._address, "-port", str(place.CONTROL_PORT)],
            kind=names.TOXIPROXY,
            # Else several lines for every connection.
            environ={"LOG_LEVEL": "warn"},
        )
        self._pid = (await asyncio.to_thread(self._engine.inspect, self._container)).pid
        try:
            self._pidfd = None if self._pid is None else os.pidfd_open(self._pid)
        except ProcessLookupError:
            self._pidfd = None
        self._engine.follow(self._container, self._log, began)

    async def close(self) -> None:
        """End it. Idempotent."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        if self._container is not None:
            container, self._container = self._container, None
            await asyncio.to_thread(self._engine.discard, container)
