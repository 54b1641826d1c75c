"""Runs one scenario through its phases and leaves everything in its directory.

Never raises for what the system under test or the rig does wrong: that is written down as the
scenario's problems, and the snapshot is taken as far as it can be. Whatever was injected is
healed in any case, Ctrl-C included.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from harness import seed as chance
from harness.engine.clock import ScenarioClock, until_multiple_s
from harness.engine.collect import collect
from harness.engine.history import History
from harness.engine.ledger import Ledger
from harness.engine.logged import with_transactions
from harness.engine.nemesis import Nemesis
from harness.engine.proof import StoreProof
from harness.engine.quiesce import wait_quiet
from harness.engine.samples import SlotSamples
from harness.engine.stack import Stack
from harness.engine.stage import StoreWitness
from harness.engine.steady import SteadyState
from harness.engine.turnstile import Alone, place_of
from harness.engine.watch import end_trace, lost_sync, round_the_taps
from harness.engine.workload import drive, first_asked_before
from harness.engine.world import World
from harness.environments.memory import MemoryMeter
from harness.errors import EnvironmentFailed, HarnessBug
from harness.lifecycle import Phase, may_follow
from harness.model.fault import FaultRecord
from harness.model.load import drawn
from harness.model.record import Phase as PhaseRecord
from harness.model.request import Request
from harness.model.scenario import Pattern, Scenario
from harness.model.system import Link, Role, System
from harness.protocols import Narrator
from harness.stage import Fault, Stage
from harness.store import ScenarioWriter
from harness.together import together

_STEADY_TIMEOUT_S = 10.0
_QUIET_DEADLINE_S = 30.0
_STABLE_S = 0.4
_SERVER_TIMEOUT_S = 30.0
_FAULT_WINDOW = (0.2, 0.45)
"""The part of the workload's span in which a fault begins."""
_AHEAD_S = 0.5
"""How long before its moment a point is armed, so that what is asked for then is met by it however
long arming takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How scenarios of one run are to be run."""

    sabotage: bool = False
    quiet_deadline_s: float = _QUIET_DEADLINE_S


class ScenarioRun:
    """One scenario on a stack that is up. `stop` set: end the workload now, heal, collect."""

    def __init__(
        self,
        *,
        stack: Stack,
        scenario: Scenario,
        system: System,
        make_fault: Callable[[Stage], Fault] | None,
        writer: ScenarioWriter,
        ledger: Path,
        narrator: Narrator,
        meter: MemoryMeter,
        stop: asyncio.Event,
        settings: Settings,
        detours: Sequence[Link] = (),
    ) -> None:
        """`detours`: the links that go by way of Toxiproxy."""
        self._stack = stack
        self._scenario = scenario
        self._system = system
        self._make_fault = make_fault
        self._writer = writer
        self._ledger = Ledger(ledger)
        self._narrator = narrator
        self._meter = meter
        self._stop = stop
        self._settings = settings
        self._detours = tuple(detours)
        self._clock = ScenarioClock()
        self._history = History(writer.append_op, self._clock)
        self._pattern: Pattern = stack.suite.pattern(scenario.pattern)
        self._world = World()
        self._steady_state = SteadyState(
            stack.suite.steady_under(self._pattern),
            stack.environment.address,
            lambda table: self._write_table("steady", table),
        )
        self._phases: list[PhaseRecord] = []
        self._phase: Phase | None = None
        self._problems: list[str] = []
        self._worked = False
        self._work_ends_at = 0.0
        self._nemesis: Nemesis | None = None
        self._effects: pa.Table | None = None
        self._samples: SlotSamples | None = None
        self._sampling: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """All phases. The writer is finished afterwards."""
        try:
            healthy = await self._guarded(self._up_to_workload)
            with self._entered(Phase.HEAL):
                await self._guarded(self._heal)
            if healthy and not self._problems_so_far():
                with self._entered(Phase.QUIESCE):
                    conditions = await wait_quiet(
                        self._world,
                        deadline_s=self._settings.quiet_deadline_s,
                        stable_s=_STABLE_S,
                        in_flight=lambda: self._history.in_flight,
                    )
                    # Of taps that have died the system suffers, and can't be blamed for it.
                    if self._stack.taps is None or self._stack.taps.failure is None:
                        await self._guarded(lambda: self._steady_state.after(self._world))
            else:
                conditions = ()
            await self._end_samples()
            self._note_dead_servers()
            await self._guarded(self._end_trace)
            # Before the workload, what the stores hold is not this scenario's.
            if self._worked:
                with self._entered(Phase.COLLECT):
                    collected = await self._guarded(
                        lambda: collect(self._world, self._write_table, conditions)
                    )
                self._writer.update(collected=collected)
        finally:
            if self._sampling is not None:
                self._sampling.cancel()
            self._history.end_open("the scenario was broken off")
            self._finish()

    async def _guarded(self, act: Callable[[], Awaitable[None]]) -> bool:
        """Run a part; what the rig could not do becomes a problem. Whether it went well."""
        try:
            await act()
        except EnvironmentFailed as failed:
            self._stack.distrust()
            self._problems.append(str(failed))
            self._narrator.note(str(failed))
            return False
        return True

    async def _up_to_workload(self) -> None:
        with self._entered(Phase.START):
            await self._stack.begin(
                self._pattern, self._system, spool=self._writer.spool_path, detours=self._detours
            )
            self._world = self._stack.world(self._pattern)
        with self._entered(Phase.STEADY):
            await self._steady()
        with self._entered(Phase.WORKLOAD):
            self._worked = True
            if self._world.connect:
                self._sample_slots()
            await self._work()

    def _sample_slots(self) -> None:
        """From now on until the stores are read."""
        self._samples = SlotSamples(self._world.postgres, self._clock.elapsed_s)
        self._sampling = asyncio.create_task(self._samples.run())

    async def _end_samples(self) -> None:
        if self._sampling is None or self._samples is None:
            return
        self._sampling.cancel()
        await asyncio.gather(self._sampling, return_exceptions=True)
        table = self._samples.table()
        if table is not None:
            self._write_table("slot_samples", table)

    async def _steady(self) -> None:
        """Every node answers and every connector runs, or there is nothing to disturb."""
        environment = self._stack.environment
        nodes = self._system.nodes
        await together(*(environment.wait_ready(n.name, _STEADY_TIMEOUT_S) for n in nodes))
        for node, control in self._stack.controls(self._world).items():
            if not await control.running():
                raise EnvironmentFailed(f"{node}: not every connector runs before the first fault")
        await self._steady_state.before(self._world)

    async def _work(self) -> None:
        suite = self._stack.suite
        plan = drawn(
            suite.plan_under(self._pattern),
            chance.stream(self._scenario.seed, suite.name, "workload"),
            self._scenario.load,
        )
        url = self._stack.entry_url()
        span_s = max(request.due_s for request in plan)
        draw = chance.stream(self._scenario.seed, suite.name, "fault")
        moment_s = draw.uniform(*(share * span_s for share in _FAULT_WINDOW))
        passed = first_asked_before(plan, moment_s)
        self._nemesis = self._summoned(passed, span_s - moment_s + _AHEAD_S)
        # What waits for an effect of the first request must be there before it.
        if self._nemesis is not None and self._nemesis.armed_at_once:
            await self._nemesis.arm()
        with suppress(TimeoutError):
            until_s = until_multiple_s(time.time(), self._pattern.clock_s)
            await asyncio.wait_for(self._stop.wait(), until_s)
        began_s = self._clock.elapsed_s()
        self._work_ends_at = began_s + span_s
        alone = self._alone(plan, passed)
        work = asyncio.create_task(
            drive(plan, url, self._history, suite.request_timeout_s, alone=alone)
        )
        fault = asyncio.create_task(self._strike(began_s + moment_s))
        stopped = asyncio.create_task(self._stop.wait())
        try:
            both = asyncio.gather(work, fault)
            waited: tuple[asyncio.Future[Any], ...] = (both, stopped)
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if both.done():
                await both
            else:
                both.cancel()
                self._problems.append("interrupted: the workload was not run to its end")
                await asyncio.gather(both, return_exceptions=True)
        finally:
            for task in (work, fault, stopped):
                task.cancel()
            await asyncio.gather(work, fault, stopped, return_exceptions=True)

    def _summoned(self, passed: frozenset[str], passed_s: float) -> Nemesis | None:
        """The nemesis with the scenario's fault, None where there is none. `passed`: the keys asked
        for before the fault's moment, to be left out until the workload's end."""
        if self._make_fault is None:
            return None
        stage = Stage(
            environment=self._stack.environment,
            system=self._system,
            pattern=self._pattern,
            witness=StoreWitness(self._world, self._stack.suite.committed_under(self._pattern)),
            connectors=self._stack.controls(self._world),
            points=self._stack.taps,
            proof=StoreProof(self._world),
            failures=self._stack.failures(),
            toxics=self._stack.detours,
            remaining_s=lambda: max(0.0, self._work_ends_at - self._clock.elapsed_s()),
            passed=passed,
            passed_s=passed_s,
        )
        return Nemesis(
            self._make_fault(stage),
            history=self._history,
            ledger=self._ledger,
            clock=self._clock,
            narrator=self._narrator,
            sabotage=self._settings.sabotage,
        )

    def _alone(self, plan: Sequence[Request], passed: Collection[str]) -> Alone | None:
        """The request that a fault at a point waits for, if it is to be known beforehand."""
        nemesis = self._nemesis
        if nemesis is None or not nemesis.waits or (nemesis.armed_at_once and nemesis.key is None):
            return None
        place = place_of(plan, key=nemesis.key, passed=passed)
        return None if place is None else Alone(place=place, over=nemesis.met)

    async def _strike(self, moment_s: float) -> None:
        if self._nemesis is None:
            return
        ahead_s = _AHEAD_S if self._nemesis.waits else 0.0
        await self._nemesis.strike(moment_s - ahead_s)
        await self._nemesis.heal()

    async def _heal(self) -> None:
        """Whatever is still injected is undone, and every node answers again."""
        if self._nemesis is not None:
            await self._nemesis.heal()
        await self._stack.environment.mend_all()
        self._writer.update(faults=self._fault_records())
        # A service that stays down is the system's failure, which quiescence will tell; a server
        # that does is the rig's.
        servers = (n.name for n in self._system.nodes if n.role is not Role.SERVICE)
        wait = self._stack.environment.wait_ready
        await together(*(wait(name, _SERVER_TIMEOUT_S) for name in servers))

    async def _end_trace(self) -> None:
        """The trace is kept, whatever it is worth, and what it is not worth is said."""
        taps = self._stack.taps
        if taps is None:
            return
        if taps.failure is None:
            self._problems.extend(await round_the_taps(self._stack))
        trace = await end_trace(
            self._stack,
            self._writer.spool_path,
            scenario=self._scenario.slug,
            origin_ns=self._clock.origin_ns,
        )
        if trace is not None:
            self._writer.write_trace(trace.frames)
            self._write_table("effects", trace.effects)
            self._problems.extend(lost_sync(self._stack, trace))
        if taps.failure is not None:
            raise EnvironmentFailed(taps.failure)

    def _problems_so_far(self) -> bool:
        return any(not p.startswith("interrupted") for p in self._problems)

    def _fault_records(self) -> tuple[FaultRecord, ...]:
        return (self._nemesis.record,) if self._nemesis is not None else ()

    def _note_dead_servers(self) -> None:
        """A server that ended by itself is the rig's failure, never the pattern's."""
        detours = self._stack.detours
        if detours is not None and detours.failure is not None:
            self._problems.append(detours.failure)
        for name, code in self._stack.environment.unexpected_ends(self._stack.servers):
            self._stack.distrust()
            self._problems.append(
                f"{name} ended by itself with {code}; see {self._writer.log_path(name)}"
            )

    def _write_table(self, name: str, table: pa.Table) -> None:
        if name == "effects":
            self._effects = table
        elif name == "transactions" and self._effects is not None:
            self._writer.write_table("effects", with_transactions(self._effects, table))
        self._writer.write_table(name, table)

    @contextmanager
    def _entered(self, phase: Phase) -> Iterator[None]:
        if self._phase is not None and not may_follow(self._phase, phase):
            raise HarnessBug(f"phase {phase.value} cannot follow {self._phase.value}")
        self._phase = phase
        self._narrator.phase(phase.value)
        self._phases.append(PhaseRecord(name=phase.value, start_s=self._clock.elapsed_s()))
        try:
            yield
        finally:
            begun = self._phases[-1]
            self._phases[-1] = PhaseRecord(
                name=begun.name, start_s=begun.start_s, end_s=self._clock.elapsed_s()
            )
            self._writer.update(phases=tuple(self._phases), faults=self._fault_records())

    def _finish(self) -> None:
        self._writer.update(
            phases=tuple(self._phases),
            faults=self._fault_records(),
            problems=tuple(self._problems),
            duration_s=round(self._clock.elapsed_s(), 3),
            peak_memory_mib=round(self._meter.take(), 1) or None,
        )
        self._writer.write_faults()
        self._writer.finish()
