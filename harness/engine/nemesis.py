"""The nemesis: injects one fault, proves it, heals it, and writes all of it into the history.

A fault that fails in any step is recorded as it stands, unproved; the heal is tried whatever
happened before. With sabotage the injector does nothing while its probes stay, which every
sound probe must call out.
"""

import asyncio
from dataclasses import replace

from harness.engine.clock import Clock
from harness.engine.history import History
from harness.engine.ledger import Ledger
from harness.errors import EnvironmentFailed
from harness.model.fault import FaultRecord
from harness.model.op import NEMESIS, Op, OpType
from harness.protocols import Fault, Narrator

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

    async def strike(self, at_s: float) -> None:
        """Wait until `at_s` of the scenario, then before, inject, during, hold. Never raises for
        what the fault does wrong; `heal` must follow in any case."""
        await asyncio.sleep(max(0.0, at_s - self._clock.elapsed_s()))
        try:
            await self._strike()
        except EnvironmentFailed as failed:
            self._fail(str(failed))

    async def _strike(self) -> None:
        self._note(before=await self._fault.before())
        self._entry = self._ledger.open(self._fault.name, self._fault.undo())
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
