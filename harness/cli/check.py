"""`aftershock check` and `aftershock report`: a stored run judged, and shown, with nothing running."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.checkers.judge import judged
from harness.checkers.results import results_document
from harness.files import read_json, write_json
from harness.report.html import render
from harness.report.junit import write_junit
from harness.report.markdown import write_markdown
from harness.report.terminal import summary
from harness.store import open_run, save_scenario


def check(path: Path, *, as_json: bool) -> int:
    """Judge every scenario again from what is stored and print it. Changes nothing."""
    document = _judge_again(path)
    if as_json:
        print(json.dumps(document))
    else:
        summary(document, Path(document["run_dir"]))
    return int(document["exit_code"])


def _judge_again(path: Path) -> dict[str, Any]:
    run = open_run(path)
    run = replace(run, scenarios=tuple(judged(scenario) for scenario in run.scenarios))
    stored = _stored_results(run.dir)
    return results_document(
        run,
        peak_memory_mib=stored.get("peak_memory_mib"),
        timings=stored.get("timings", {}),
    )


def _stored_results(run_dir: Path) -> dict[str, Any]:
    """What the run itself wrote; a run that was killed may have none."""
    path = run_dir / "results.json"
    return dict(read_json(path)) if path.is_file() else {}


def report(path: Path, *, as_json: bool, keys: Sequence[str] = ()) -> int:
    """Write report.html, junit.xml and summary.md again. What was never judged, because its run
    was killed, is judged first. `keys` get a sequence diagram, whatever else does."""
    run = open_run(path)
    if any(scenario.judged is None for scenario in run.scenarios) or not _stored_results(run.dir):
        for scenario in run.scenarios:
            save_scenario(judged(scenario))
        write_json(run.dir / "results.json", _judge_again(path))
    html = render(run.dir, keys=keys)
    write_junit(run.dir)
    write_markdown(run.dir)
    print(json.dumps({"report": str(html)}) if as_json else html)
    return 0
