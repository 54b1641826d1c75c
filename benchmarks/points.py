"""How many kills at points of the wire achieve the cut that was meant, by the stores' own word.

    python benchmarks/points.py [--injections 1000] [--pattern P]… [--seed 1] [--rate 15]
                                [--backend namespaces] [--out DIR]

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
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
from strikes import ACHIEVED, MISFIRED, NOT_FIRED, UNPROVED, Rig, Series, Strike, standing

from harness.cli import backends, suites
from harness.cli import place as places
from harness.cli.images import foreign
from harness.cli.matrix import union_of
from harness.engine.stack import CLIENT
from harness.environments.builds import run_from
from harness.model.request import Request
from harness.model.scenario import Pattern
from harness.model.suite import Suite
from harness.stage import Stage

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One kill as it went."""

    pattern: str
    point: str
    outcome: str
    took_s: float
    says: str


class Kills(Series):
    """So many points, one after the other."""

    def __init__(self, stage: Stage, points: Sequence[str], found: list[Injection]) -> None:
        super().__init__(stage)
        self._points = points
        self._found = found

    def points(self) -> Sequence[str]:
        return self._points

    def told(self, strike: Strike) -> None:
        injection = Injection(
            pattern=self._stage.pattern.name, point=strike.point, outcome=strike.outcome,
            took_s=strike.took_s, says=strike.says,
        )  # fmt: skip
        self._found.append(injection)
        mark = "" if strike.outcome == ACHIEVED else f"  {strike.says}"
        line = f"{len(self._found):5} {strike.outcome:<12} {strike.point}{mark}"
        print(line, file=sys.stderr, flush=True)


class Campaign:
    """All patterns on one stack."""

    def __init__(
        self,
        suite: Suite,
        backend: backends.Backend,
        place: places.Place,
        given: argparse.Namespace,
    ) -> None:
        self._suite = suite
        self._backend = backend
        self._place = place
        self._given = given
        self._patterns = [suite.pattern(name) for name in given.pattern]
        self._rng = Random(given.seed)  # noqa: S311
        self._number = 0
        self.told: list[Injection] = []
        self.verdicts: list[tuple[str, str, str]] = []

    async def run(self) -> None:
        """Strike until there are enough."""
        out: Path = self._given.out
        system = run_from(union_of(self._suite, self._patterns), self._backend.builds)
        environment = self._backend.environment(
            system, self._place, out / "logs", lambda *_: None, tapped=True
        )
        async with standing(self._suite, environment, self._backend.meter(), out) as rig:
            points = {p.name: await self._points_of(rig, p) for p in self._patterns}
            for name, found in points.items():
                print(f"{name}: {len(found)} points", file=sys.stderr)
            share = -(-self._given.injections // len(self._patterns))
            for pattern in self._patterns:
                await self._strike(rig, pattern, points[pattern.name], share)

    async def _points_of(self, rig: Rig, pattern: Pattern) -> list[str]:
        """Each kind of effect of a run without a fault, before and after."""
        directory = await self._scenario(rig, pattern, (), 4.0)
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

    async def _strike(self, rig: Rig, pattern: Pattern, points: list[str], share: int) -> None:
        wanted = len(self.told) + share
        queue: list[str] = []
        while len(self.told) < wanted:
            already = len(self.told)
            if len(queue) < wanted - already:
                queue += [p for _ in range(share) for p in self._rng.sample(points, len(points))]
            batch = queue[: wanted - already]
            await self._scenario(rig, pattern, batch, MINUTE_S)
            del queue[: len(self.told) - already]
            if len(self.told) == already:
                raise SystemExit(f"{pattern.name}: nothing could be struck")

    async def _scenario(
        self, rig: Rig, pattern: Pattern, batch: Sequence[str], span_s: float
    ) -> Path:
        """Under load for so long; without points to strike at, without a fault."""
        self._number += 1
        plan, rate = self._suite.plan, self._given.rate

        def long_plan(rng: Random) -> Sequence[Request]:
            return plan(rng, orders=int(span_s * rate), rate_per_s=rate)  # type: ignore[call-arg] # the shop's own

        def kills(stage: Stage) -> Kills:
            return Kills(stage, batch, self.told)

        record = await rig.scenario(
            pattern, kills if batch else None, suite=replace(self._suite, plan=long_plan),
            fault="points" if batch else "none", seed=self._given.seed + self._number,
            name=f"{pattern.name}-{self._number}",
        )  # fmt: skip
        if record.judged is not None:
            said = record.judged.judgement
            self.verdicts.append((pattern.name, said.verdict.value, said.reason))
            print(f"      {pattern.name}: {said.verdict.value}: {said.reason}", file=sys.stderr)
        return record.dir


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
    parser.add_argument("--rate", type=float, default=15.0, help="orders a second")
    parser.add_argument("--backend", default="namespaces", choices=["namespaces", "docker"])
    parser.add_argument("--out", type=Path, default=Path("results/points"))
    given = parser.parse_args()
    suite = suites.load("shop")
    given.pattern = given.pattern or [
        pattern.name
        for pattern in suite.patterns
        if given.backend != "docker" or not foreign(union_of(suite, [pattern]))
    ]
    given.out = given.out.resolve()
    given.out.mkdir(parents=True, exist_ok=True)
    system = union_of(suite, [suite.pattern(name) for name in given.pattern])
    backend = backends.chosen(given.backend, system, offline=False, cache=None)
    place = places.take(backend.cache, given.out)
    campaign = Campaign(suite, backend, place, given)

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

    try:
        code = backend.run(inside)
    finally:
        place.remove()
    sys.exit(code)


if __name__ == "__main__":
    main()
