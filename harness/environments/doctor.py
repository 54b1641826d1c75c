"""What this machine can and cannot do, and the one command that mends it.

Looks and tries, changes nothing: what is tried (see `trial`) is tried in a process that ends with
all it made. A finding that is not `ok` makes the namespaces environment unusable only if it is
`needed`; the others are warnings. Of containers the package `docker` knows what is missing.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.environments import resources
from harness.environments.causes import Finding, explain, read_privileges, read_settings
from harness.environments.docker import usable as containers
from harness.environments.trial import Outcome, Step, try_steps
from harness.errors import AftershockError, MachineUnfit
from harness.toolchain.cache import default_cache

__all__ = ["Finding", "diagnose", "report", "usable_or_raise"]


def diagnose(
    *,
    proc: Path = Path("/proc"),
    cgroup: Path = Path("/sys/fs/cgroup"),
    cache: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    trial: Callable[[], Mapping[Step, Outcome]] = try_steps,
) -> tuple[Finding, ...]:
    """All findings, in the order in which they matter. Takes about 0.3 s. Raises nothing."""
    return (
        *_kernel(proc, trial),
        _disk(cache),
        resources.memory(proc=proc, cgroup=cgroup),
        resources.cores(),
        *_toxiproxy(cache),
        *containers.diagnose(environ),
    )


def _kernel(proc: Path, trial: Callable[[], Mapping[Step, Outcome]]) -> tuple[Finding, ...]:
    """What a run cannot do without."""
    uname = os.uname()
    machine = resources.platform(system=uname.sysname, release=uname.release, machine=uname.machine)
    if uname.sysname != "Linux":
        return (machine,)
    uid = os.geteuid()
    try:
        status = (proc / "self" / "status").read_text(encoding="utf-8")
    except OSError:
        status = ""
    tried = explain(trial(), read_settings(proc / "sys"), read_privileges(status, uid=uid))
    return machine, resources.user(uid), resources.interpreter(), *tried


def _disk(cache: Path | None) -> Finding:
    try:
        return resources.disk(default_cache() if cache is None else cache)
    except AftershockError as error:
        return Finding(
            name="disk", ok=False, says=str(error), mend="export XDG_CACHE_HOME=…", needed=True
        )


def _toxiproxy(cache: Path | None) -> tuple[Finding, ...]:
    try:
        return (resources.toxiproxy(default_cache() if cache is None else cache),)
    except AftershockError:
        return ()  # that there is no place for a cache is said already


def report(findings: Sequence[Finding]) -> dict[str, Any]:
    """The document that `aftershock doctor --json` prints."""
    failed = _unmet(findings)
    if failed is None:
        why = "everything that a run asks of the kernel was tried and works"
    else:
        why = _sentence(failed)
    return {
        "backends": {
            "namespaces": {"usable": failed is None, "why": why},
            "docker": containers.report(findings),
        },
        "points": failed is None,
        "findings": [
            {
                "name": finding.name,
                "ok": finding.ok,
                "needed": finding.needed,
                "says": finding.says,
                "mend": finding.mend,
            }
            for finding in findings
        ],
    }


def usable_or_raise(findings: Sequence[Finding] | None = None) -> None:
    """Raises MachineUnfit, with the reason and what mends it, where namespaces cannot be used."""
    failed = _unmet(diagnose() if findings is None else findings)
    if failed is not None:
        raise MachineUnfit(f"this machine cannot run it in namespaces: {_sentence(failed)}")


def _unmet(findings: Sequence[Finding]) -> Finding | None:
    """The first thing needed that is not there; the later ones follow from it or come after."""
    return next((f for f in findings if f.needed and not f.ok), None)


def _sentence(finding: Finding) -> str:
    return f"{finding.says}; mend it by: {finding.mend}" if finding.mend else finding.says
