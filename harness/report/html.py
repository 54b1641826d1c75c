"""report.html: one file that works from file://, made from a stored run.

No network, no data in scripts: every value goes through the template's escaping, and a content
security policy lets nothing run but the page's own script. Long runs are shown in part, with a
notice: the limits are halved until the page is below its budget of bytes.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.files import safe_name
from harness.model.fault import FaultRecord, Probe
from harness.model.record import Chain
from harness.model.verdict import Finding, Violation
from harness.report import words
from harness.report.load import StoredRun, StoredScenario, load, reproduce
from harness.report.logs import Excerpt, excerpt
from harness.report.matrix import cell_of, cell_text, matrix_of
from harness.report.picture import Picture
from harness.report.recording import Recording, read_recording
from harness.report.sequences import Drawn, sequences_of
from harness.report.tally import Tally, tally_of
from harness.report.timeline import picture_of
from harness.report.words import Cell

BUDGET_BYTES = 3_000_000
_HERE = Path(__file__).parent
_LOAD_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a long run one page shows."""

    operations: int = 5000
    traces: int = 4000
    keys: int = 100
    rows: int = 400
    log_lines: int = 900
    value_chars: int = 600
    sequences: int = 48
    messages: int = 90
    """Of one sequence diagram."""

    def halved(self) -> "Limits":
        return Limits(
            operations=self.operations // 2,
            traces=self.traces // 2,
            keys=max(self.keys // 2, 1),
            rows=max(self.rows // 2, 1),
            log_lines=self.log_lines // 2,
            value_chars=max(self.value_chars // 2, 60),
            sequences=self.sequences // 2,
            messages=max(self.messages * 2 // 3, 12),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """The evidence of one key; `same_as` names the anchor where the same chain stands already."""

    anchor: str
    key: str
    chain: Chain
    same_as: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationView:
    """One violated invariant with the keys that are shown."""

    anchor: str
    violation: Violation
    is_control: bool
    keys: tuple[KeyView, ...]
    hidden_keys: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultView:
    """One fault of the injector's audit: its steps with their proofs."""

    fault: FaultRecord
    probes: tuple[tuple[str, Probe | None], ...]
    overlapped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioView:
    """One scenario as its section shows it."""

    anchor: str
    stored: StoredScenario
    cell: Cell
    text: str
    reproduce: str
    recording: Recording
    picture: Picture
    tally: Tally
    faults: tuple[FaultView, ...]
    violations: tuple[ViolationView, ...]
    sequences: tuple[Drawn, ...]
    excerpt: Excerpt | None
    logs: tuple[tuple[str, str, int], ...]
    """(node, link, size in bytes)."""
    sql: dict[str, str]
    """invariant → link to the SQL that judged it."""
    history: str | None
    is_open: bool

    @property
    def sequence_of(self) -> Mapping[str, str]:
        """key → anchor of its sequence diagram."""
        return {drawn.key: drawn.anchor for drawn in self.sequences}

    @property
    def search(self) -> str:
        """What the filter looks into."""
        scenario, keys = (
            self.stored.scenario,
            [k for v in self.violations for k in v.violation.keys],
        )
        names = [scenario.pattern, scenario.fault, self.stored.verdict.value, self.text]
        return words.cut(" ".join([*names, self.cell.says, *keys[:50]]).lower(), 600)


def render(run_dir: Path, budget_bytes: int = BUDGET_BYTES, keys: Sequence[str] = ()) -> Path:
    """Write `report.html` into the run directory and return its path. `keys`: business keys that
    get a sequence diagram besides those that have one anyway.

    Raises DeclarationError where there is no run to report.
    """
    run = load(run_dir)
    limits = Limits()
    text = page(run, limits, keys)
    while len(text.encode()) > budget_bytes and limits.operations > 0:
        limits = limits.halved()
        text = page(run, limits, keys)
    path = run.dir / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


def page(run: StoredRun, limits: Limits, keys: Sequence[str] = ()) -> str:
    """The whole page."""
    scenarios = [_scenario(run, stored, limits, keys) for stored in run.scenarios]
    css = (_HERE / "assets" / "report.css").read_text(encoding="utf-8")
    script = (_HERE / "assets" / "report.js").read_text(encoding="utf-8")
    return (
        _environment(limits)
        .get_template("report.html.j2")
        .render(
            run=run,
            scenarios=scenarios,
            matrix=matrix_of(run),
            tally=sum((s.tally for s in scenarios), Tally()),
            in_controls=sum((s.tally for s in scenarios if s.stored.is_control), Tally()),
            cells=list(Cell),
            outcome=words.outcome(run.exit_code),
            counted={cell: sum(s.cell is cell for s in scenarios) for cell in Cell},
            not_run=_not_run(run),
            css=css,
            script=script,
            policy=_policy(css, script),
            limits=limits,
        )
    )


def _environment(limits: Limits) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        seconds=words.seconds,
        moment=words.moment,
        memory=words.memory,
        figures=words.figures,
        clean=words.clean,
        plural=words.plural,
        cutvalue=lambda thing: words.value(thing, limits.value_chars),
        anchor=safe_name,
        utc=utc,
        telling=telling,
    )
    environment.globals["Cell"] = Cell
    environment.finalize = _finalize
    return environment


def _finalize(thing: object) -> object:
    """All text that reaches the page is cleaned, wherever it comes from."""
    return words.clean(thing) if type(thing) is str else thing


def _policy(css: str, script: str) -> str:
    """Nothing may be loaded and nothing run but the page's own style and script, by their hash."""
    return f"{_LOAD_NOTHING}; style-src '{_digest(css)}'; script-src '{_digest(script)}'"


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _not_run(run: StoredRun) -> tuple[str, ...]:
    ran = {stored.scenario.slug for stored in run.scenarios}
    return tuple(slug for slug in run.planned if slug not in ran)


def _scenario(
    run: StoredRun, stored: StoredScenario, limits: Limits, keys: Sequence[str]
) -> ScenarioView:
    among = max(len(run.scenarios), 1)
    recording = read_recording(
        stored,
        most_operations=min(limits.operations // among, 1500),
        most_traces=min(limits.traces // among, 1200),
    )
    cell = cell_of(stored)
    anchor = safe_name(stored.scenario.slug)
    scenario_dir = stored.record.dir
    logs = sorted((scenario_dir / "logs").glob("*.log"))
    history = scenario_dir / "history.parquet"
    return ScenarioView(
        anchor=anchor,
        stored=stored,
        cell=cell,
        text=cell_text(stored),
        reproduce=reproduce(run, stored.scenario),
        recording=recording,
        picture=picture_of(stored, recording),
        tally=tally_of(stored, recording),
        faults=tuple(_faults(stored, recording)),
        violations=tuple(_violations(stored, anchor, limits)),
        sequences=sequences_of(
            stored,
            recording,
            asked=keys,
            most=min(limits.sequences // among, 12),
            most_messages=limits.messages,
        ),
        excerpt=_excerpt(stored, recording, logs, min(limits.log_lines // among, 200)),
        logs=tuple((path.stem, _link(run, path), path.stat().st_size) for path in logs),
        sql={p.stem: _link(run, p) for p in sorted((scenario_dir / "invariants").rglob("*.sql"))},
        history=_link(run, history) if history.exists() else None,
        is_open=cell is not Cell.AS_EXPECTED or len(run.scenarios) == 1,
    )


def _link(run: StoredRun, path: Path) -> str:
    return quote(path.relative_to(run.dir).as_posix())


def _faults(stored: StoredScenario, recording: Recording) -> Iterator[FaultView]:
    overlaps = recording.overlaps or (0,) * len(stored.record.faults)
    for fault, overlapped in zip(stored.record.faults, overlaps, strict=True):
        probes = (("before", fault.before), ("during", fault.during), ("after", fault.after))
        yield FaultView(fault=fault, probes=probes, overlapped=overlapped)


def _violations(stored: StoredScenario, anchor: str, limits: Limits) -> Iterator[ViolationView]:
    shown: list[KeyView] = []
    ordered = sorted(stored.findings, key=lambda f: f.invariant != stored.scenario.control)
    for finding in ordered:
        if finding.violation is not None:
            view = _violation(stored, finding, finding.violation, anchor, shown, limits)
            shown += view.keys
            yield view


def _violation(
    stored: StoredScenario,
    finding: Finding,
    violation: Violation,
    anchor: str,
    shown: Sequence[KeyView],
    limits: Limits,
) -> ViolationView:
    name = f"{anchor}.{safe_name(finding.invariant)}"
    chains = stored.evidence.get(finding.invariant, {})
    most = max(limits.keys // max(len(stored.violations), 1), 1)
    keys = []
    for number, (key, chain) in enumerate(list(chains.items())[:most], start=1):
        same = next((k.anchor for k in shown if k.key == key and k.chain == chain), None)
        keys.append(KeyView(anchor=f"{name}.{number}", key=key, chain=chain, same_as=same))
    columns = tuple(dict.fromkeys(column for row in violation.rows for column in row))
    rows = violation.rows[: limits.rows]
    return ViolationView(
        anchor=name,
        violation=violation,
        is_control=finding.invariant == stored.scenario.control,
        keys=tuple(keys),
        hidden_keys=max(len(violation.keys) - len(keys), 0),
        columns=columns,
        rows=tuple(
            tuple(words.value(row[c], limits.value_chars) if c in row else "" for c in columns)
            for row in rows
        ),
    )


def _excerpt(
    stored: StoredScenario, recording: Recording, logs: Sequence[Path], most_lines: int
) -> Excerpt | None:
    """What the nodes printed when it happened, for the scenarios where anything did."""
    if stored.verdict.decided and not stored.violations and stored.as_expected:
        return None
    wanted = {key for violation in stored.violations for key in violation.keys[:3]}
    moments = [
        (op.end_s or op.start_s, f"{op.f} {op.key} ended: {op.outcome}")
        for op in recording.operations
        if op.key in wanted
    ]
    for fault in stored.record.faults:
        name = f"{fault.name} on {fault.target}"
        steps = (
            (fault.injected_at, f"{name}: injected"),
            (fault.proved_at, f"{name}: proved"),
            (fault.healed_at, f"{name}: healed"),
        )
        moments += [(at_s, says) for at_s, says in steps if at_s is not None]
    return excerpt(logs, recording.epoch_s, moments[:20], most_lines)


def telling(row: Mapping[str, object]) -> list[tuple[str, object]]:
    """The fields of a row that hold anything, in their order; a line of the history in short."""
    kept = [(name, told) for name, told in row.items() if told not in (None, "", "{}", {}, [])]
    if not row.keys() >= {"type", "process", "f", "time_s"}:
        return kept
    at = row["time_s"]
    when = words.moment(at) if isinstance(at, int | float) else str(at)
    what = (str(row["type"]), f"{when} {row['f']} by {row['process']}")
    return [what, *((name, told) for name, told in kept if name in {"value", "error"})]


def utc(epoch_s: float | None) -> str:
    """`2026-11-23 04:45:00 UTC`; empty where it is not known."""
    if epoch_s is None:
        return ""
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
