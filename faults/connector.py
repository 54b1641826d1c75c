"""A restart of every connector and its tasks through Kafka Connect's REST interface.

The worker's process goes on; what proves the restart is the database: each connector's
replication slot is served by another walsender process than before.
"""

from collections.abc import Mapping
from typing import Any

from faults import probing
from harness.model.fault import Probe
from harness.stage import Stage

_EFFECT_TIMEOUT_S = 10.0


class ConnectorRestart:
    """All connectors of one worker."""

    name = "connector-restart"
    duration_s = 0.0

    def __init__(self, stage: Stage, *, worker: str) -> None:
        self.target = worker
        self._control = stage.connectors[worker]
        self._before: Mapping[str, int | None] = {}
        self._restarted: tuple[str, ...] = ()

    def undo(self) -> Mapping[str, Any]:
        return {"await-running": self.target}

    async def before(self) -> Probe:
        # A connector runs a little before its slot is served.
        await probing.until(self._streams, _EFFECT_TIMEOUT_S)
        running = await self._control.running()
        self._before = await self._control.sessions()
        served = bool(self._before) and all(pid is not None for pid in self._before.values())
        return Probe(
            shown=running and served,
            says=f"connectors {'run' if running else 'do not run'}; {_served(self._before)}",
            measured={"running": running, "walsenders": dict(self._before)},
        )

    async def _streams(self) -> bool:
        sessions = await self._control.sessions()
        return bool(sessions) and all(sessions.values()) and await self._control.running()

    async def inject(self) -> bool:
        self._restarted = await self._control.restart_connectors()
        return True

    async def during(self) -> Probe:
        changed = await probing.until(self._session_changed, _EFFECT_TIMEOUT_S)
        now = await self._control.sessions()
        word = "served by another process" if changed else "served by the same process as before"
        return Probe(
            shown=changed,
            says=f"the slot is {word}: {_served(self._before)}, then {_served(now)}",
            measured={"before": dict(self._before), "during": dict(now)},
        )

    async def _session_changed(self) -> bool:
        now = await self._control.sessions()
        return bool(self._before) and all(now.get(s) != pid for s, pid in self._before.items())

    async def heal(self) -> None:
        """Nothing to undo: a restart ends by itself, which `after` awaits."""

    async def after(self) -> Probe:
        back = await probing.until(self._whole, probing.RECOVERY_TIMEOUT_S)
        now = await self._control.sessions()
        return Probe(
            shown=back,
            says=f"connectors {'run' if back else 'do not run'} again; {_served(now)}",
            measured={"running": back, "walsenders": dict(now)},
        )

    async def _whole(self) -> bool:
        now = await self._control.sessions()
        return all(now.get(s) for s in self._before) and await self._control.running()

    def achieved(self) -> Mapping[str, Any]:
        return {"restarted": list(self._restarted)}


def _served(sessions: Mapping[str, int | None]) -> str:
    parts = [f"slot {slot} by pid {pid}" if pid else f"slot {slot} by nobody"
             for slot, pid in sorted(sessions.items())]  # fmt: skip
    return ", ".join(parts) or "no slot"
