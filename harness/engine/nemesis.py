"""The nemesis: injects one fault, proves it, heals it, and writes all of it into the history.

A fault that waits for a moment of the system's own is armed first, before the workload begins if it
asks for that; its window opens when the moment has come. A fault that fails in any step is recorded
as it stands, unproved; the heal is tried whatever happened before. With sabotage the injector does
nothing while its probes stay, which every sound probe must call out.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from harness.engine.clock import Clock
from harness.engine.history import History
from harness.engine.ledger import Ledger
from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.fault import FaultRecord
from harness.model.op import NEMESIS, Op, OpType
from harness.protocols import Narrator
from harness.stage import Awaiting, Fault

_HEAL_TIMEOUT_S = 30.0


class Nemesis:
    """One fault, to be run once by `strike`; `record` is what is known of it at any time."""

    def __init__(
        self,
        fault: Fault,
        *,
        history: History,
        ledger: Ledger,
        clock: Clock,
        narrator: Narrator,
        sabotage: bool = False,
    ) -> None:
        self._fault = fault
        self._history = history
        self._ledger = ledger
        self._clock = clock
        self._narrator = narrator
        self._sabotage = sabotage
        self._entry: int | None = None
        self._window: Op | None = None
        self.record = FaultRecord(name=fault.name, target=fault.target)
        self.met = asyncio.Event()
        """Set when the moment that is waited for has come, or will not be waited for any more."""

    @property
    def armed_at_once(self) -> bool:
        """Whether `arm` is to be called before the workload begins."""
        return self._awaiting is not None and self._awaiting.armed_at_once

    @property
    def _awaiting(self) -> Awaiting | None:
        """The fault as one that waits for a moment; with sabotage nothing is waited for."""
        return self._fault if isinstance(self._fault, Awaiting) and not self._sabotage else None

    @property
    def waits(self) -> bool:
        """Whether it waits for a moment of the system's own."""
        return self._awaiting is not None

    @property
    def key(self) -> str | None:
        """The business key whose moment it waits for, None where any will do."""
        return self._awaiting.key if self._awaiting is not None else None

    async def arm(self) -> None:
        """Before, and arm what waits for a moment. Raises as little as `strike`."""
        await self._taken(self._arm())

    async def strike(self, at_s: float) -> None:
        """Wait until `at_s` of the scenario unless it is armed, then before, arm, await, inject,
        during, hold. Never raises for what the fault does wrong; `heal` must follow in any case."""
        if self._entry is None and self.record.error is None:
            await asyncio.sleep(max(0.0, at_s - self._clock.elapsed_s()))
            await self.arm()
        if self.record.error is None:
            await self._taken(self._strike())
        self.met.set()

    async def _taken(self, step: Coroutine[Any, Any, None]) -> None:
        """What goes wrong in a step is the record's."""
        try:
            await step
        except (EnvironmentFailed, DeclarationError) as failed:
            self._fail(str(failed))

    async def _arm(self) -> None:
        self._note(before=await self._fault.before())
        self._entry = self._ledger.open(self._fault.name, self._fault.undo())
        if self._awaiting is not None:
            await self._awaiting.arm()

    async def _strike(self) -> None:
        came = self._awaiting is None or await self._awaiting.moment()
        self.met.set()
        if not came:
            self._narrator.note(f"{self._fault.name}: its moment never came")
            return
        self._window = self._history.invoke(
            NEMESIS, self._fault.name, None, {"target": self._fault.target}
        )
        self._note(injected_at=self._clock.elapsed_s())
        fired = True if self._sabotage else await self._fault.inject()
        self._note(fired=fired)
        if not fired:
            self._narrator.note(f"{self._fault.name}: its moment never came")
            return
        during = await self._fault.during()
        self._note(during=during, proved_at=self._clock.elapsed_s() if during.shown else None)
        self._narrator.fault_opened(self._fault.name, self._fault.target, during.says)
        await asyncio.sleep(self._fault.duration_s)

    async def heal(self) -> None:
        """Undo what was injected and measure that it works again. Idempotent."""
        if self._entry is None:
            return
        entry, self._entry = self._entry, None
        try:
            await asyncio.wait_for(self._heal(entry), _HEAL_TIMEOUT_S + _HEAL_TIMEOUT_S)
        except EnvironmentFailed as failed:
            self._fail(f"heal: {failed}")
        except TimeoutError:
            self._fail(f"heal: not done after {2 * _HEAL_TIMEOUT_S:g} s")
        finally:
            self._note_cut()
            self._end_window()

    async def _heal(self, entry: int) -> None:
        if not self._sabotage:
            await self._fault.heal()
        self._ledger.close(entry)
        self._note(healed_at=self._clock.elapsed_s(), achieved=self._fault.achieved())
        if self.record.fired:
            after = await self._fault.after()
            self._note(after=after, recovered_at=self._clock.elapsed_s() if after.shown else None)
            self._narrator.fault_closed(self._fault.name, self._fault.target, after.says)

    def _note_cut(self) -> None:
        if self._awaiting is not None:
            self._note(evidence=self._awaiting.evidence(), misfired=self._awaiting.misfired())

    def _end_window(self) -> None:
        if self._window is not None:
            window, self._window = self._window, None
            kind = OpType.OK if self.record.proved else OpType.INFO
            self._history.end(window, kind, {"proved": self.record.proved}, self.record.error)

    def _note(self, **changes: object) -> None:
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]

    def _fail(self, text: str) -> None:
        self._note(error=text if self.record.error is None else f"{self.record.error}; {text}")
        self._narrator.note(f"{self._fault.name}: {text}")
