"""A run directory as the reports see it: the stored records, and what results.json adds.

Tolerant of a run that died half-way: what is not there is empty, and never invented.
"""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.files import read_json
from harness.model.record import Chain, RunRecord, ScenarioRecord
from harness.model.scenario import Scenario
from harness.model.verdict import Finding, Verdict, Violation, merge
from harness.store import open_run

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredScenario:
    """One scenario's record and what it came to."""

    record: ScenarioRecord
    verdict: Verdict
    reason: str
    as_expected: bool

    @property
    def scenario(self) -> Scenario:
        return self.record.scenario

    @property
    def is_control(self) -> bool:
        return self.scenario.control is not None

    @property
    def findings(self) -> tuple[Finding, ...]:
        return () if self.record.judged is None else self.record.judged.judgement.findings

    @property
    def violations(self) -> tuple[Violation, ...]:
        return tuple(f.violation for f in self.findings if f.violation is not None)

    @property
    def evidence(self) -> Mapping[str, Mapping[str, Chain]]:
        """invariant → key → chain."""
        return {} if self.record.judged is None else self.record.judged.evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run and what it came to. `exit_code` None: it did not live to say one."""

    record: RunRecord
    command: str
    verdict: Verdict
    sentence: str
    exit_code: int | None
    peak_memory_mib: float | None
    timings: Mapping[str, float]
    scenarios: tuple[StoredScenario, ...]

    @property
    def dir(self) -> Path:
        return self.record.dir

    @property
    def place(self) -> str:
        """The run directory as one would type it: relative where it is below the current one."""
        here = Path.cwd()
        return str(self.dir.relative_to(here) if self.dir.is_relative_to(here) else self.dir)

    @property
    def suite(self) -> str:
        return self.record.suite

    @property
    def seed(self) -> int:
        return self.record.seed

    @property
    def backend(self) -> str:
        return self.record.backend

    @property
    def planned(self) -> tuple[str, ...]:
        """Slugs of the scenarios that were to be run, in their order."""
        return self.record.planned


def load(run_dir: Path, results: JsonObject | None = None) -> StoredRun:
    """Read a run directory; the results document is read from there unless it is given.

    Raises DeclarationError where there is no run in it, or a file of it is broken.
    """
    record = open_run(run_dir)
    if results is None:
        path = record.dir / "results.json"
        results = read_json(path) if path.exists() else {}
    entries = {_pair(entry): entry for entry in _entries(results)}
    scenarios = tuple(
        _stored(scenario, entries.get((scenario.scenario.pattern, scenario.scenario.fault), {}))
        for scenario in record.scenarios
    )
    timings: JsonObject = results.get("timings") or {}
    return StoredRun(
        record=record,
        command=results.get("command") or shlex.join(record.command),
        verdict=_verdict(results) or merge(s.verdict for s in scenarios),
        sentence=results.get("sentence") or "The run did not finish.",
        exit_code=results.get("exit_code"),
        peak_memory_mib=results.get("peak_memory_mib"),
        timings={k: float(v) for k, v in timings.items() if isinstance(v, int | float)},
        scenarios=scenarios,
    )


def reproduce(run: StoredRun, scenario: Scenario) -> str:
    """The one command that runs this scenario again."""
    argv = ["aftershock", "run", scenario.suite, "--pattern", scenario.pattern]
    argv += ["--fault", scenario.fault, "--seed", str(scenario.seed)]
    argv += scenario.load.options
    if run.backend not in {"", "namespaces"}:
        argv += ["--backend", run.backend]
    if "--sabotage-injectors" in run.command.split():
        argv.append("--sabotage-injectors")
    return shlex.join(argv)


def _entries(results: JsonObject) -> Iterable[JsonObject]:
    entries: list[JsonObject] = results.get("scenarios") or []
    return entries


def _pair(entry: JsonObject) -> tuple[str, str]:
    return str(entry.get("pattern", "")), str(entry.get("fault", ""))


def _stored(record: ScenarioRecord, entry: JsonObject) -> StoredScenario:
    """The stored judgement counts; results.json only where there is none (the rig failed)."""
    judged = record.judged
    if judged is not None:
        return StoredScenario(
            record=record,
            verdict=judged.verdict,
            reason=judged.judgement.reason,
            as_expected=judged.as_expected,
        )
    return StoredScenario(
        record=record,
        verdict=_verdict(entry) or Verdict.INCONCLUSIVE,
        reason=entry.get("reason") or "it was never judged: the run ended before",
        as_expected=entry.get("as_expected") is True,
    )


def _verdict(told: JsonObject) -> Verdict | None:
    name = told.get("verdict")
    return Verdict(name) if name in {v.value for v in Verdict} else None
