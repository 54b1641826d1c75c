"""Many strikes at points of the wire in one scenario under load: what points.py and sagas.py share."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faults.at_point import AtPoint
from faults.point import Point
from harness.checkers.demanded import demanded
from harness.checkers.judge import judged
from harness.cli.matrix import system_of, union_of
from harness.engine import rig as engine
from harness.engine.scenario import ScenarioRun, Settings
from harness.engine.stack import Stack
from harness.engine.taps import Taps
from harness.environments.builds import run_from
from harness.environments.memory import MemoryMeter
from harness.environments.namespaces import Namespaces
from harness.errors import EnvironmentFailed
from harness.model.fault import Probe
from harness.model.record import ScenarioRecord
from harness.model.scenario import Pattern, Scenario
from harness.model.suite import Suite
from harness.stage import Stage
from harness.store import create_run, save_scenario
from harness.toolchain import Toolchain

ENOUGH_LEFT_S = 4.0
ACHIEVED, MISFIRED, NOT_FIRED, UNPROVED = "achieved", "MISFIRED", "NOT_FIRED", "INCONCLUSIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One strike as it went."""

    point: str
    outcome: str
    says: str
    took_s: float
    effect: Mapping[str, Any]
    """The one that was struck at, empty where none was."""
    address: str | None
    """Its own, None where none was."""


class Series:
    """Many points as one fault: struck in turn while there is load. Subclasses say which in
    `points`, and are `told` how each went."""

    name = "series"
    target = "points"
    duration_s = 0.0
    armed_at_once = False
    key = None

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._struck = 0
        self._current: AtPoint | None = None

    def points(self) -> Iterable[str]:
        """Asked for one by one, each when its turn has come."""
        raise NotImplementedError

    def told(self, strike: Strike) -> None:
        raise NotImplementedError

    def undo(self) -> Mapping[str, Any]:
        return {}

    async def before(self) -> Probe:
        return Probe(shown=True, says="a series of points")

    async def arm(self) -> None:
        pass

    async def moment(self) -> bool:
        return True

    async def inject(self) -> bool:
        # A point that does not come must not take the whole time.
        stage = replace(self._stage, remaining_s=lambda: 0.0)
        for text in self.points():
            if self._stage.remaining_s() < ENOUGH_LEFT_S:
                break
            self._current = AtPoint(stage, Point.parse(text), name=text)
            began = time.monotonic()
            outcome, says = await self._strike(self._current)
            self._struck += 1
            met = self._current.evidence()["intended_cut"]
            self.told(
                Strike(
                    point=text,
                    outcome=outcome,
                    says=says,
                    took_s=time.monotonic() - began,
                    effect=met["effect"] or {},
                    address=met["address"],
                )
            )
        self._current = None
        return True

    async def _strike(self, fault: AtPoint) -> tuple[str, str]:
        try:
            before = await fault.before()
            if not before.shown:
                return UNPROVED, before.says
            if not await fault.inject():
                return NOT_FIRED, "its moment never came"
            during = await fault.during()
            await asyncio.sleep(fault.duration_s)
        except EnvironmentFailed as failed:
            return UNPROVED, str(failed)
        finally:
            await fault.heal()
        after = await fault.after()
        if fault.misfired() is not None:
            return MISFIRED, str(fault.misfired())
        if not (during.shown and after.shown):
            return UNPROVED, during.says if after.shown else after.says
        return ACHIEVED, during.says

    async def during(self) -> Probe:
        return Probe(shown=True, says=f"{self._struck} points")

    async def heal(self) -> None:
        if self._current is not None:
            await self._current.heal()

    async def after(self) -> Probe:
        return Probe(shown=True, says="")

    def achieved(self) -> Mapping[str, Any]:
        return {}

    def evidence(self) -> Mapping[str, Any]:
        return {}

    def misfired(self) -> str | None:
        return None


class Silent:
    """A narrator that has nothing to say."""

    def phase(self, name: str) -> None: ...
    def node(self, name: str, state: str) -> None: ...
    def fault_opened(self, name: str, target: str, says: str) -> None: ...
    def fault_closed(self, name: str, target: str, says: str) -> None: ...
    def note(self, text: str) -> None:
        print(f"      {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """One stack, on which scenarios are run one after the other, stored below `out`."""

    stack: Stack
    suite: Suite
    out: Path
    meter: MemoryMeter

    async def scenario(
        self,
        pattern: Pattern,
        make: Callable[[Stage], Series] | None,
        *,
        suite: Suite,
        fault: str,
        seed: int,
        name: str,
    ) -> ScenarioRecord:
        """Run and judge one; `suite` is what the stack runs, `name` the folder's."""
        self.stack.suite = suite
        scenario = Scenario(suite=self.suite.name, pattern=pattern.name, fault=fault, seed=seed)
        run = create_run(self.out, suite=name, seed=seed, scenarios=[scenario.slug])
        writer = run.scenario(
            scenario,
            hops=tuple(pattern.hops),
            outboxes=tuple(pattern.outboxes),
            invariants=demanded(self.suite, pattern),
        )
        nodes = self.stack.environment.system.nodes
        builds = {node.name: node.build for node in nodes if node.build is not None}
        await ScenarioRun(
            stack=self.stack, scenario=scenario,
            system=run_from(system_of(self.suite, pattern), builds),
            make_fault=make, writer=writer, ledger=self.out / "ledger",
            narrator=Silent(), meter=self.meter, stop=asyncio.Event(),
            settings=Settings(quiet_deadline_s=60.0),
        ).run()  # fmt: skip
        record = judged(writer.record)
        save_scenario(record)
        return record


@asynccontextmanager
async def opened(
    suite: Suite, patterns: Sequence[Pattern], toolchain: Toolchain, out: Path
) -> AsyncIterator[Rig]:
    """A stack with taps that has all that the patterns need."""
    environment = Namespaces(
        union_of(suite, patterns), toolchain, directory=out / "nodes", logs=out / "logs",
        tapped=True,
    )  # fmt: skip
    async with standing(suite, environment, MemoryMeter(), out) as rig:
        yield rig


@asynccontextmanager
async def standing(
    suite: Suite,
    environment: AbstractAsyncContextManager[engine.Rig],
    meter: MemoryMeter,
    out: Path,
) -> AsyncIterator[Rig]:
    """A stack in that environment, which has taps."""
    async with meter, environment as entered:
        stack = Stack(entered, suite, Taps(out / "logs" / "taps.log"))
        await stack.open()
        try:
            yield Rig(stack=stack, suite=suite, out=out, meter=meter)
        finally:
            await stack.close()
