"""summary.md: what a CI job shows on its page (GitHub's step summary, a pull-request comment).

GitHub throws a whole summary away above 1 MiB, so this one is cut well below, at whole lines.
"""

import html
from pathlib import Path

from harness.model.fault import FaultRecord
from harness.report.hazards import risks_of
from harness.report.load import StoredRun, StoredScenario, load, reproduce
from harness.report.matrix import MatrixCell, cell_of, matrix_of
from harness.report.words import Cell, clean, cut, memory, outcome, plural, seconds

LIMIT_BYTES = 900_000
_SHOWN_KEYS = 20
_SIGNS = {ord(sign): f"&#{ord(sign)};" for sign in "\\`*_[]|#@~"}
"""Signs that mean something in Markdown, as character references."""
_EMOJI = {
    Cell.AS_EXPECTED: "✅",
    Cell.CAUGHT: "🛡️",
    Cell.UNEXPECTED: "❌",
    Cell.UNDECIDED: "⚠️",
    Cell.NOT_RUN: "⬜",
}


def write_markdown(run_dir: Path) -> Path:
    """Write `summary.md` into the run directory and return its path."""
    path = run_dir / "summary.md"
    path.write_text(markdown(load(run_dir)), encoding="utf-8")
    return path


def markdown(run: StoredRun, limit_bytes: int = LIMIT_BYTES) -> str:
    """The summary as GitHub-flavoured Markdown, at most `limit_bytes` of UTF-8."""
    lines = [*_head(run), *_table(run)]
    ordered = sorted(run.scenarios, key=lambda s: _URGENCY.index(cell_of(s)))
    for stored in ordered:
        if cell_of(stored) is not Cell.AS_EXPECTED:
            lines += _scenario(run, stored)
    lines += _hazards(run)
    lines += _foot(run)
    return _cut_lines(lines, limit_bytes)


_URGENCY = [Cell.UNEXPECTED, Cell.UNDECIDED, Cell.CAUGHT, Cell.AS_EXPECTED, Cell.NOT_RUN]


def _head(run: StoredRun) -> list[str]:
    told = [
        "no exit code" if run.exit_code is None else f"exit code {run.exit_code}",
        f"seed {run.seed}",
        _plain(run.backend or "unknown backend"),
        f"peak memory {memory(run.peak_memory_mib)}",
    ]
    return [
        f"## aftershock · {_plain(run.suite)} · {outcome(run.exit_code)}",
        "",
        _plain(run.sentence),
        "",
        " · ".join(told),
        "",
    ]


def _table(run: StoredRun) -> list[str]:
    matrix = matrix_of(run)
    lines = ["| pattern | " + " | ".join(_plain(f) for f in matrix.faults) + " |"]
    lines.append("| :-- |" + " :-- |" * len(matrix.faults))
    for pattern, row in zip(matrix.patterns, matrix.cells, strict=True):
        lines.append(f"| **{_plain(pattern)}** | " + " | ".join(_cell(c) for c in row) + " |")
    return [*lines, ""]


def _cell(cell: MatrixCell) -> str:
    return "" if cell.says is None else f"{_EMOJI[cell.cell]} {_plain(cell.says)}"


def _scenario(run: StoredRun, stored: StoredScenario) -> list[str]:
    scenario, cell = stored.scenario, cell_of(stored)
    title = f"{scenario.pattern} × {scenario.fault}: {stored.verdict.value}"
    lines = [f"### {_EMOJI[cell]} {_plain(title)} ({cell.says})", "", _plain(stored.reason), ""]
    for violation in stored.violations:
        shown = ", ".join(_code(key) for key in violation.keys[:_SHOWN_KEYS])
        more = len(violation.keys) - _SHOWN_KEYS
        keys = shown + (f" and {more} more" if more > 0 else "")
        lines.append(
            f"- {_code(violation.invariant)}: {_plain(violation.summary)} "
            f"({plural(violation.count, 'counterexample')}; keys {keys})"
        )
    lines += [f"- problem: {_plain(problem)}" for problem in stored.record.problems]
    for fault in stored.record.faults:
        lines += [_fault(fault), *_cuts(fault)]
    command = clean(reproduce(run, scenario))
    return [*lines, "", *_fenced(command), ""]


def _fault(fault: FaultRecord) -> str:
    probe = fault.during or fault.before or fault.after
    proved = "proved" if fault.proved else "**not proved**"
    says = fault.error or (probe.says if probe is not None else "no probe was made")
    return f"- fault {_code(fault.name)} on {_code(fault.target)}, {proved}: {_plain(says)}"


def _cuts(fault: FaultRecord) -> list[str]:
    """Where it was to strike and where it did, for a fault at a point."""
    meant = fault.evidence.get("intended_cut")
    if not meant:
        return []
    done = fault.evidence.get("achieved_cut") or {}
    intended = f"{meant.get('when')} {meant.get('address') or meant.get('asked')}"
    achieved = f"{done.get('when') or 'unknown'}: {done.get('says') or 'not reached'}"
    return [f"  - intended cut: {_plain(intended)}", f"  - achieved cut: {_plain(achieved)}"]


def _hazards(run: StoredRun) -> list[str]:
    """What no verdict depends on, each once for all the faults under which it was seen."""
    risks = risks_of(run)
    if not risks:
        return []
    lines = [
        "### ⚠️ Hazards",
        "",
        "What a crash at the wrong moment would have lost, or made up:",
        "",
    ]
    for risk in risks:
        where = f"{risk.pattern} × {', '.join(risk.faults)}"
        lines.append(
            f"- {_code(risk.first.rule)} in {_plain(where)}: {_plain(risk.first.summary)}. "
            f"{_plain(risk.first.says)}"
        )
    return [*lines, ""]


def _foot(run: StoredRun) -> list[str]:
    took = ", ".join(
        f"{_plain(name.removesuffix('_s'))} {seconds(s)}" for name, s in run.timings.items()
    )
    return [f"<sub>{took}</sub>", ""] if took else []


def _cut_lines(lines: list[str], limit_bytes: int) -> str:
    notice = "\n… cut here: the rest is in report.html\n"
    room = limit_bytes - len(notice.encode())
    kept: list[str] = []
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            if sum(one.startswith("```") for one in kept) % 2:
                kept.append("```")
            return "\n".join(kept) + notice
        kept.append(line)
    return "\n".join(kept)


def _plain(text: str) -> str:
    """Text that Markdown takes as text, on one line."""
    escaped = html.escape(cut(text, 2000), quote=False).translate(_SIGNS)
    return " ".join(escaped.split())


def _code(text: str) -> str:
    return f"<code>{_plain(text)}</code>"


def _fenced(command: str) -> list[str]:
    fence = "```" if "```" not in command else "`" * 8
    return [f"{fence}sh", command, fence]
