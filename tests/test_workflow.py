"""The workflow for GitHub Actions calls what there is: commands, options, and files that runs write."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from harness.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "consistency.yml"
_CALL = re.compile(r"\baftershock\)\" (?P<arguments>[^<>|]*)")


def job() -> dict[str, Any]:
    """The one that runs."""
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["run"]
    return found


def scripts(backend: str) -> Iterator[str]:
    """What its steps execute, where the seed is given."""
    for step in job()["steps"]:
        if "run" in step:
            text = step["run"].replace("\\\n", " ").replace("${{ matrix.backend }}", backend)
            yield re.sub(r"\$\{SEED:\+(.*?)\}", r"\1", text).replace("$SEED", "7")


def backends() -> list[str]:
    found: list[str] = job()["strategy"]["matrix"]["backend"]
    return found


@pytest.mark.parametrize("backend", backends())
def test_every_command_is_understood(backend: str) -> None:
    """Command and options exist and take what they are given; nothing is executed."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    calls = [
        shlex.split(call["arguments"])
        for script in scripts(backend)
        for line in script.splitlines()
        for call in _CALL.finditer(line)
    ]
    assert [call[0] for call in calls] == ["images", "doctor", "run"]
    assert f"--backend {backend}" in " ".join(calls[-1])
    with root.make_context("aftershock", calls[-1], resilient_parsing=True) as context:
        for name, *arguments in calls:
            root.commands[name].make_context(name, arguments, parent=context)


def test_both_environments_are_run() -> None:
    assert set(backends()) == {"docker", "namespaces"}


def test_the_report_is_kept_whatever_comes_of_the_run() -> None:
    steps = {step.get("name"): step for step in job()["steps"]}
    keep = steps["Keep the report"]
    assert keep["if"] == "always()"
    assert keep["with"]["path"] == "results/ci"
    assert "--out results/ci" in steps["Run"]["run"]
    assert "continue-on-error" not in steps["Run"]
