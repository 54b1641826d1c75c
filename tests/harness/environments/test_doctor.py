"""The diagnosis as a whole, its document and its refusal."""

import errno
import json
from pathlib import Path

import pytest

from harness.environments.causes import Finding
from harness.environments.doctor import diagnose, report, usable_or_raise
from harness.environments.trial import Outcome, Step
from harness.errors import MachineUnfit

GOOD = Finding(name="linux", ok=True, says="Linux", needed=True)
SLOW = Finding(name="cores", ok=False, says="1 core")
BAD = Finding(name="namespaces", ok=False, says="none here", mend="sudo x", needed=True)
WORSE = Finding(name="nf-tables", ok=False, says="not tried", needed=True)


def test_this_machine_is_fit(tmp_path: Path) -> None:
    """Everything really tried; the document is JSON."""
    findings = diagnose(cache=tmp_path)
    document = json.loads(json.dumps(report(findings)))

    assert document["backends"]["namespaces"]["usable"] is True
    docker = [f for f in findings if f.name in {"docker", "docker-compose"}]
    assert document["backends"]["docker"]["usable"] is all(f.ok for f in docker)
    assert document["points"] is True
    assert [f["name"] for f in document["findings"]] == [f.name for f in findings]
    assert {"name", "ok", "needed", "says", "mend"} == document["findings"][0].keys()
    usable_or_raise(findings)


def test_every_finding_has_a_name_of_its_own(tmp_path: Path) -> None:
    """They are looked up by it."""
    names = [finding.name for finding in diagnose(cache=tmp_path)]

    assert len(names) == len(set(names))


def test_a_refused_step_is_read_against_the_settings_given(tmp_path: Path) -> None:
    """A fake /proc and a trial that met ENOSPC."""
    (tmp_path / "sys" / "user").mkdir(parents=True)
    (tmp_path / "sys" / "user" / "max_net_namespaces").write_text("0\n")
    refused = {Step.NAMESPACES: Outcome(errno=errno.ENOSPC, says="No space left on device")}

    findings = diagnose(proc=tmp_path, cgroup=tmp_path, cache=tmp_path, trial=lambda: refused)

    assert next(f for f in findings if f.name == "namespaces").mend == (
        "sudo sysctl -w user.max_net_namespaces=15000"
    )


def test_a_machine_without_a_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no place for the cache then."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", classmethod(_no_home))

    found = next(f for f in diagnose(trial=dict) if f.name == "disk")

    assert (found.ok, found.needed) == (False, True)
    assert "neither HOME nor XDG_CACHE_HOME is set" in found.says


def _no_home(_cls: type[Path]) -> Path:
    raise RuntimeError("no home")  # as pathlib does where the user has none


def test_only_what_is_needed_makes_a_machine_unfit() -> None:
    """A warning passes."""
    usable_or_raise((GOOD, SLOW))

    assert report((GOOD, SLOW))["backends"]["namespaces"]["usable"] is True


def test_an_unfit_machine_is_told_by_the_first_thing_that_fails() -> None:
    """One sentence with the command that mends it; what follows from it is left out."""
    with pytest.raises(MachineUnfit) as caught:
        usable_or_raise((GOOD, SLOW, BAD, WORSE))

    assert str(caught.value) == (
        "this machine cannot run it in namespaces: none here; mend it by: sudo x"
    )
    assert report((GOOD, BAD))["backends"]["namespaces"] == {
        "usable": False,
        "why": "none here; mend it by: sudo x",
    }
