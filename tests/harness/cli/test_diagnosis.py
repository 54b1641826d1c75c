"""`aftershock doctor` on this machine."""

import json

import pytest

from harness.cli.diagnosis import doctor


def test_the_document_tells_of_both_backends(capsys: pytest.CaptureFixture[str]) -> None:
    """Usable or not, and why; the exit code says whether any is."""
    code = doctor(as_json=True)
    told = json.loads(capsys.readouterr().out)
    usable = [b["usable"] for b in told["backends"].values()]
    assert told["backends"].keys() == {"namespaces", "docker"}
    assert all(backend["why"] for backend in told["backends"].values())
    assert code == (0 if any(usable) else 254)


def test_for_people_every_finding_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Marked as good or bad."""
    doctor(as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("✓ ") for line in lines)
    assert any(line.startswith("backend namespaces: ") for line in lines)
