"""One server out of reach of its clients: every packet between them is dropped, silently."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from faults import probing
from harness.model.fault import Probe
from harness.stage import Stage

_DURATION_S = 2.0


class Partition:
    """`server` against each of `clients`; clients can still reach one another."""

    name = "broker-partition"
    duration_s = _DURATION_S

    def __init__(self, stage: Stage, *, clients: Sequence[str], server: str) -> None:
        self._env = stage.environment
        self._clients = tuple(clients)
        self._server = server
        self._lost: dict[str, int] = {}
        self.target = f"{server} ⇹ {', '.join(self._clients)}"

    def undo(self) -> Mapping[str, Any]:
        return {"mend": [[client, self._server] for client in self._clients]}

    async def before(self) -> Probe:
        return await self._each(probing.link_works)

    async def inject(self) -> bool:
        await asyncio.gather(*(self._env.cut(c, self._server) for c in self._clients))
        return True

    async def during(self) -> Probe:
        return await self._each(probing.link_is_cut)

    async def heal(self) -> None:
        for client in self._clients:
            lost = await self._env.dropped(client, self._server)
            self._lost[client] = max(lost.packets, self._lost.get(client, 0))
        await asyncio.gather(*(self._env.mend(c, self._server) for c in self._clients))

    async def after(self) -> Probe:
        return await self._each(probing.link_works)

    def achieved(self) -> Mapping[str, Any]:
        return {"packets_dropped": dict(self._lost)}

    async def _each(self, probe: "probing.LinkProbe") -> Probe:
        measured = await asyncio.gather(
            *(probe(self._env, client, self._server) for client in self._clients)
        )
        return probing.all_of(*measured)
