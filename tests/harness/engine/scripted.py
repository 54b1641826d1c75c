"""A fault that only tells what it was asked, and a nemesis for it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.engine.clock import ScenarioClock
from harness.engine.history import History
from harness.engine.ledger import Ledger, open_entries
from harness.engine.nemesis import Nemesis
from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.fault import Probe
from harness.model.op import Op, OpType


@dataclass(kw_only=True)
class Scripted:
    """A fault that records its calls. `breaks`: steps that raise; `shown`: what probes say."""

    ledger: Path
    breaks: frozenset[str] = frozenset()
    shown: Mapping[str, bool] = field(default_factory=dict)
    fires: bool = True
    stuck: bool = False
    """Its injection never ends."""
    calls: list[str] = field(default_factory=list)
    open_at_inject: int | None = None
    injecting: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "scripted"
    target: str = "order"
    duration_s: float = 0.0

    def undo(self) -> Mapping[str, Any]:
        return {"release": "order"}

    async def before(self) -> Probe:
        return self._probe("before")

    async def inject(self) -> bool:
        self.open_at_inject = len(open_entries(self.ledger))
        self._step("inject")
        self.injecting.set()
        if self.stuck:
            await asyncio.Event().wait()
        return self.fires

    async def during(self) -> Probe:
        return self._probe("during")

    async def heal(self) -> None:
        self._step("heal")

    async def after(self) -> Probe:
        return self._probe("after")

    def achieved(self) -> Mapping[str, Any]:
        return {"cut_keys": ["17"]}

    def _probe(self, step: str) -> Probe:
        self._step(step)
        return Probe(shown=self.shown.get(step, True), says=f"{step} measured")

    def _step(self, step: str) -> None:
        self.calls.append(step)
        if step in self.breaks:
            raise EnvironmentFailed(f"{step} broke")


@dataclass(kw_only=True)
class Patient(Scripted):
    """One that waits for a moment of the system's own."""

    comes: bool = True
    at_once: bool = True
    waits_s: float = 0.0
    cut: str | None = None

    key: str | None = None

    @property
    def armed_at_once(self) -> bool:
        return self.at_once

    async def arm(self) -> None:
        self._step("arm")

    async def moment(self) -> bool:
        self._step("moment")
        await asyncio.sleep(self.waits_s)
        return self.comes

    def evidence(self) -> Mapping[str, Any]:
        return {"achieved_cut": {"done": self.comes}}

    def misfired(self) -> str | None:
        return self.cut


class Refused(Patient):
    """Its injection is the user's mistake."""

    async def inject(self) -> bool:
        raise DeclarationError("error=99999: no such error")


class Told:
    """A narrator that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def phase(self, name: str) -> None:
        self.said.append(name)

    def node(self, name: str, state: str) -> None:
        self.said.append(f"{name} {state}")

    def fault_opened(self, name: str, target: str, says: str) -> None:
        self.said.append(f"opened {name} {target}: {says}")

    def fault_closed(self, name: str, target: str, says: str) -> None:
        self.said.append(f"closed {name} {target}: {says}")

    def note(self, text: str) -> None:
        self.said.append(text)


class Rig:
    """A nemesis and everything it writes to."""

    def __init__(
        self,
        directory: Path,
        *,
        sabotage: bool = False,
        kind: type[Scripted] = Scripted,
        **fault: Any,
    ) -> None:
        self.ledger = directory / "ledger.jsonl"
        self.fault = kind(ledger=self.ledger, **fault)
        self.ops: list[Op] = []
        self.told = Told()
        clock = ScenarioClock()
        self.nemesis = Nemesis(
            self.fault,
            history=History(self.ops.append, clock),
            ledger=Ledger(self.ledger),
            clock=clock,
            narrator=self.told,
            sabotage=sabotage,
        )

    def run(self, at_s: float = 0.0) -> "Rig":
        """Strike and heal."""

        async def both() -> None:
            await self.nemesis.strike(at_s)
            await self.nemesis.heal()

        asyncio.run(both())
        return self

    def ends(self) -> list[tuple[OpType, str | None]]:
        """The history's operations."""
        return [(op.type, op.error) for op in self.ops]
