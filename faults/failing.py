"""A server that answers errors: every HTTP request of a client gets a status, and is not forwarded."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from faults import probing
from harness.errors import EnvironmentFailed
from harness.model.fault import Probe
from harness.stage import Failures, Stage


class Failing:
    """`server`, as `client` sees it, or, with ANY, as everybody does; for a while."""

    def __init__(
        self,
        stage: Stage,
        *,
        client: str | None,
        server: str,
        status: str,
        name: str,
        duration_s: float,
    ) -> None:
        self.name = name
        self.target = f"{client or '*'}→{server}"
        self.duration_s = duration_s
        self._failures = stage.failures
        self._client = client
        self._server = server
        self._status = status
        self._answered: dict[str, int] = {}

    def undo(self) -> Mapping[str, Any]:
        return {"serve": [[client, self._server] for client in self._clients]}

    async def before(self) -> Probe:
        return await self._each(fails=False)

    async def inject(self) -> bool:
        taps = self._taps
        await asyncio.gather(*(taps.begin(c, self._server, self._status) for c in self._clients))
        return True

    async def during(self) -> Probe:
        return await self._each(fails=True)

    async def heal(self) -> None:
        for client in self._clients:
            answered = await self._taps.end(client, self._server)
            self._answered[client] = max(answered, self._answered.get(client, 0))

    async def after(self) -> Probe:
        return await self._each(fails=False)

    def achieved(self) -> Mapping[str, Any]:
        """How many requests were answered, the probe's own among them."""
        return {"status": self._status, "answered": {c: n for c, n in self._answered.items() if n}}

    async def _each(self, *, fails: bool) -> Probe:
        clients = self._clients
        if not clients:
            says = f"nobody speaks HTTP with {self._server} by way of a tap"
            return Probe(shown=False, says=says)
        if fails:
            probes = [await self._probe(client, fails=True) for client in clients]
        else:
            await probing.until(self._all_serve, probing.RECOVERY_TIMEOUT_S)
            probes = [await self._probe(client, fails=False) for client in clients]
        return probing.all_of(*probes)

    async def _all_serve(self) -> bool:
        probes = [await self._probe(client, fails=False) for client in self._clients]
        return all(probe.shown for probe in probes)

    async def _probe(self, client: str, *, fails: bool) -> Probe:
        status = await self._taps.ask(client, self._server)
        told = "not answered" if status is None else f"answered {status}"
        link = f"{client}→{self._server}"
        failing = status is not None and str(status) == self._status
        return Probe(
            shown=failing if fails else status is not None and not failing,
            says=f"{link}: a request was {told}",
            measured={"link": link, "status": status},
        )

    @property
    def _clients(self) -> Sequence[str]:
        if self._client is not None:
            return (self._client,)
        return () if self._failures is None else self._failures.clients(self._server)

    @property
    def _taps(self) -> Failures:
        if self._failures is None:
            raise EnvironmentFailed(f"{self.name} needs taps on the links, and this run has none")
        return self._failures
