"""How many kills at points of the wire achieve the cut that was meant, by the stores' own word.

    python benchmarks/points.py [--injections 1000] [--pattern P]… [--seed 1] [--out DIR]

Every pattern is run once without a fault. Each kind of effect that passes is two points, before
and after; the process that asks for it is killed there (for requests of customers the one that is
asked). All points are struck in turn, one after the other within a minute of load, then the
system heals, comes to rest and is judged; and again, until there are enough injections. Prints a
table: how many achieved the intended cut, misfired, did not fire, or could not be proved, by the
harness's own account, and the verdict of every minute.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq

from faults.at_point import AtPoint
from faults.point import Point
from harness.checkers.demanded import demanded
from harness.checkers.judge import judged
from harness.cli import suites
from harness.cli.matrix import system_of, union_of
from harness.engine.scenario import ScenarioRun, Settings
from harness.engine.stack import CLIENT, Stack
from harness.engine.taps import Taps
from harness.environments.memory import MemoryMeter
from harness.environments.namespaces import Namespaces
from harness.environments.outer import run_inside
from harness.errors import EnvironmentFailed
from harness.model.fault import Probe
from harness.model.request import Request
from harness.model.scenario import Pattern, Scenario
from harness.model.suite import Suite
from harness.protocols import Stage
from harness.store import create_run, save_scenario
from harness.toolchain import Toolchain, ensure

MINUTE_S = 60.0
RATE_PER_S = 15.0
ENOUGH_LEFT_S = 4.0
ACHIEVED, MISFIRED, NOT_FIRED, UNPROVED = "achieved", "MISFIRED", "NOT_FIRED", "INCONCLUSIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One kill as it went."""

    pattern: str
    point: str
    outcome: str
    took_s: float
    says: str


class Series:
    """Many points as one fault: struck in turn while there is load."""

    name = "series"
    target = "points"
    duration_s = 0.0
    armed_at_once = False

    def __init__(self, stage: Stage, points: Sequence[str], told: list[Injection]) -> None:
        self._stage = stage
        self._points = points
        self._told = told
        self._current: AtPoint | None = None

    def undo(self) -> Mapping[str, Any]:
        return {}

    async def before(self) -> Probe:
        return Probe(shown=True, says="a series of points")

    async def arm(self) -> None:
        pass

    async def moment(self) -> bool:
        return True

    async def inject(self) -> bool:
        # A point that does not come must not take the whole minute.
        stage = replace(self._stage, remaining_s=lambda: 0.0)
        for text in self._points:
            if self._stage.remaining_s() < ENOUGH_LEFT_S:
                break
            self._current = AtPoint(stage, Point.parse(text), name=text)
            began = time.monotonic()
            outcome, says = await self._strike(self._current)
            injection = Injection(
                pattern=self._stage.pattern.name, point=text, outcome=outcome,
                took_s=time.monotonic() - began, says=says,
            )  # fmt: skip
            self._told.append(injection)
            mark = "" if outcome == ACHIEVED else f"  {says}"
            print(f"{len(self._told):5} {outcome:<12} {text}{mark}", file=sys.stderr, flush=True)
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
        return Probe(shown=True, says=f"{len(self._told)} points")

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


class Campaign:
    """All patterns on one stack."""

    def __init__(self, suite: Suite, toolchain: Toolchain, given: argparse.Namespace) -> None:
        self._suite = suite
        self._toolchain = toolchain
        self._given = given
        self._patterns = [suite.pattern(name) for name in given.pattern]
        self._rng = Random(given.seed)  # noqa: S311
        self._number = 0
        self.told: list[Injection] = []
        self.verdicts: list[tuple[str, str, str]] = []

    async def run(self) -> None:
        """Strike until there are enough."""
        out = self._given.out
        environment = Namespaces(
            union_of(self._suite, self._patterns), self._toolchain,
            directory=out / "nodes", logs=out / "logs", tapped=True,
        )  # fmt: skip
        async with MemoryMeter() as meter, environment:
            stack = Stack(environment, self._suite, Taps(out / "logs" / "taps.log"))
            await stack.open()
            try:
                points = {p.name: await self._points_of(stack, p, meter) for p in self._patterns}
                for name, found in points.items():
                    print(f"{name}: {len(found)} points", file=sys.stderr)
                share = -(-self._given.injections // len(self._patterns))
                for pattern in self._patterns:
                    await self._strike(stack, pattern, points[pattern.name], share, meter)
            finally:
                await stack.close()

    async def _points_of(self, stack: Stack, pattern: Pattern, meter: MemoryMeter) -> list[str]:
        """Each kind of effect of a run without a fault, before and after."""
        directory = await self._scenario(stack, pattern, None, 4.0, meter)
        effects = pq.read_table(directory / "snapshot" / "effects.parquet").to_pylist()
        # A commit that changes nothing leaves the same state on both its sides.
        places = {
            (e["node"], e["server"], e["kind"], e["detail"])
            for e in effects
            if e["kind"] != "commit" or e["xid"] is not None
        }
        return [
            f"kill:{server if node == CLIENT else node}:{when}:{node}/{server}/{kind}({detail})"
            for node, server, kind, detail in sorted(places)
            for when in ("before", "after")
            if not detail.startswith("connect-")
        ]

    async def _strike(
        self, stack: Stack, pattern: Pattern, points: list[str], share: int, meter: MemoryMeter
    ) -> None:
        wanted = len(self.told) + share
        queue: list[str] = []
        while len(self.told) < wanted:
            already = len(self.told)
            if len(queue) < wanted - already:
                queue += [p for _ in range(share) for p in self._rng.sample(points, len(points))]
            batch = queue[: wanted - already]

            def series(stage: Stage, batch: Sequence[str] = tuple(batch)) -> Series:
                return Series(stage, batch, self.told)

            await self._scenario(stack, pattern, series, MINUTE_S, meter)
            del queue[: len(self.told) - already]
            if len(self.told) == already:
                raise SystemExit(f"{pattern.name}: nothing could be struck")

    async def _scenario(
        self, stack: Stack, pattern: Pattern, make: Any, span_s: float, meter: MemoryMeter
    ) -> Path:
        self._number += 1
        plan = self._suite.plan

        def long_plan(rng: Random) -> Sequence[Request]:
            return plan(rng, orders=int(span_s * RATE_PER_S), rate_per_s=RATE_PER_S)  # type: ignore[call-arg] # the shop's own

        stack.suite = replace(self._suite, plan=long_plan)
        scenario = Scenario(
            suite=self._suite.name, pattern=pattern.name,
            fault="none" if make is None else "points", seed=self._given.seed + self._number,
        )  # fmt: skip
        run = create_run(
            self._given.out, suite=f"{pattern.name}-{self._number}", seed=scenario.seed,
            scenarios=[scenario.slug],
        )  # fmt: skip
        writer = run.scenario(
            scenario, hops=tuple(pattern.hops), invariants=demanded(self._suite, pattern)
        )
        await ScenarioRun(
            stack=stack, scenario=scenario, system=system_of(self._suite, pattern),
            make_fault=make, writer=writer, ledger=self._given.out / "ledger",
            narrator=Silent(), meter=meter, stop=asyncio.Event(),
            settings=Settings(quiet_deadline_s=60.0),
        ).run()  # fmt: skip
        record = judged(writer.record)
        save_scenario(record)
        if record.judged is not None:
            said = record.judged.judgement
            self.verdicts.append((pattern.name, said.verdict.value, said.reason))
            print(f"      {pattern.name}: {said.verdict.value}: {said.reason}", file=sys.stderr)
        return writer.dir


def table(campaign: Campaign) -> str:
    """Points by outcome, and the sum."""
    kinds = (ACHIEVED, MISFIRED, NOT_FIRED, UNPROVED)
    counts: dict[tuple[str, str], Counter[str]] = {}
    for one in campaign.told:
        counts.setdefault((one.pattern, one.point), Counter())[one.outcome] += 1
    lines = [f"| pattern | point | {' | '.join(kinds)} |", "| --- " * 6 + "|"]
    lines += [
        f"| {pattern} | `{point}` | {' | '.join(str(found[kind]) for kind in kinds)} |"
        for (pattern, point), found in sorted(counts.items())
    ]
    total = Counter(one.outcome for one in campaign.told)
    share = 100 * total[ACHIEVED] / max(len(campaign.told), 1)
    lines.append(f"| **all** | {share:.2f} % | {' | '.join(str(total[kind]) for kind in kinds)} |")
    return "\n".join(lines)


def main() -> None:
    """Strike, print the table, keep everything as JSON."""
    parser = argparse.ArgumentParser(description="Kills at points of the wire.")
    parser.add_argument("--injections", type=int, default=1000)
    parser.add_argument("--pattern", action="append", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results/points"))
    given = parser.parse_args()
    suite = suites.load("shop")
    given.pattern = given.pattern or [pattern.name for pattern in suite.patterns]
    given.out = given.out.resolve()
    given.out.mkdir(parents=True, exist_ok=True)
    campaign = Campaign(suite, ensure(), given)

    def inside() -> int:
        try:
            asyncio.run(campaign.run())
        finally:
            told = [{s: getattr(one, s) for s in Injection.__slots__} for one in campaign.told]
            kept = {"injections": told, "verdicts": campaign.verdicts}
            (given.out / "points.json").write_text(json.dumps(kept, indent=1))
            print(table(campaign))
            for pattern, verdict, reason in campaign.verdicts:
                print(f"{pattern}: {verdict}: {reason}")
        return 0

    sys.exit(run_inside(inside))


if __name__ == "__main__":
    main()
