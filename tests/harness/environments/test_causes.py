"""Why a kernel refuses: each cause told from the others by facts."""

import errno
import os
from pathlib import Path

import pytest

from harness.environments.causes import (
    Finding,
    Privileges,
    Settings,
    explain,
    read_privileges,
    read_settings,
)
from harness.environments.trial import Outcome, Step

PLENTY = dict.fromkeys(("user", "net", "mnt", "pid", "uts", "ipc"), 10_000)
FREE = Settings(userns_clone=None, apparmor_restrict=None, limits=PLENTY)
DEBIAN = Settings(userns_clone=0, apparmor_restrict=None, limits=PLENTY)
UBUNTU = Settings(userns_clone=1, apparmor_restrict=1, limits=PLENTY)
OFF = Settings(userns_clone=None, apparmor_restrict=None, limits={**PLENTY, "user": 0})
NO_NET = Settings(userns_clone=None, apparmor_restrict=None, limits={**PLENTY, "net": 0})
SILENT = Settings(userns_clone=None, apparmor_restrict=None, limits={})

ORDINARY = Privileges(uid=1000, sys_admin=False, seccomp=0)
ROOT = Privileges(uid=0, sys_admin=True, seccomp=0)
TAMED_ROOT = Privileges(uid=0, sys_admin=False, seccomp=2)
FILTERED = Privileges(uid=1000, sys_admin=False, seccomp=2)


def failure(step: Step, number: int | None, settings: Settings, who: Privileges) -> Finding:
    """The finding for a trial that went well up to `step` and met an error there."""
    outcomes = {s: Outcome() for s in Step}
    outcomes[step] = Outcome(errno=number, says=os.strerror(number) if number else "odd")
    return next(f for f in explain(outcomes, settings, who) if f.name == step.value)


@pytest.mark.parametrize(
    ("step", "number", "settings", "who", "says", "mend"),
    [
        (
            Step.USER,
            errno.EPERM,
            DEBIAN,
            ORDINARY,
            "keeps user namespaces from ordinary users",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        (
            Step.USER,
            errno.EACCES,
            UBUNTU,
            ORDINARY,
            "AppArmor takes the rights",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            Step.NAMESPACES,
            errno.EPERM,
            UBUNTU,
            ORDINARY,
            "AppArmor takes the rights",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            Step.USER,
            errno.ENOSPC,
            OFF,
            ORDINARY,
            "user namespaces are switched off (user.max_user_namespaces is 0)",
            "sudo sysctl -w user.max_user_namespaces=15000",
        ),
        (
            Step.USER,
            errno.ENOSPC,
            FREE,
            ORDINARY,
            "the limit of user namespaces is reached",
            "sudo sysctl -w user.max_user_namespaces=20000",
        ),
        (
            Step.USER,
            errno.EUSERS,
            SILENT,
            ORDINARY,
            "(user.max_user_namespaces is unknown)",
            "sudo sysctl -w user.max_user_namespaces=15000",
        ),
        (
            Step.NAMESPACES,
            errno.ENOSPC,
            NO_NET,
            ROOT,
            "net namespaces are switched off",
            "sudo sysctl -w user.max_net_namespaces=15000",
        ),
        (Step.USER, errno.EINVAL, FREE, ORDINARY, "built without user namespaces", None),
        (Step.NAMESPACES, errno.EINVAL, FREE, ROOT, "built without namespaces of some kind", None),
        (
            Step.NAMESPACES,
            errno.EPERM,
            FREE,
            TAMED_ROOT,
            "root is without the capability SYS_ADMIN",
            "docker run --cap-add SYS_ADMIN --security-opt systempaths=unconfined …",
        ),
        (
            Step.USER,
            errno.EPERM,
            FREE,
            FILTERED,
            "a system call filter (seccomp) forbids it",
            "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined …",
        ),
        (Step.USER, errno.EPERM, FREE, ORDINARY, "this is a chroot, or a security module", None),
        (
            Step.PROC,
            errno.EPERM,
            FREE,
            ORDINARY,
            "/proc cannot be mounted anew",
            "docker run --security-opt systempaths=unconfined …",
        ),
        (
            Step.NODE,
            errno.EOPNOTSUPP,
            FREE,
            ROOT,
            "bridges or veth pairs are not to be had",
            "sudo modprobe -a bridge veth",
        ),
        (
            Step.CUT,
            errno.EPROTONOSUPPORT,
            FREE,
            ROOT,
            "nftables is not to be had",
            "sudo modprobe -a nf_tables",
        ),
        (Step.TAPS, errno.ENOPROTOOPT, FREE, ROOT, "what taps need (routes of type local, ", None),
        (Step.NAMESPACES, None, FREE, ROOT, "refused without a reason", None),
    ],
)
def test_a_refusal_is_told_with_its_cause(
    step: Step, number: int | None, settings: Settings, who: Privileges, says: str, mend: str | None
) -> None:
    """The same errno means different things under different settings."""
    found = failure(step, number, settings, who)

    assert not found.ok
    assert found.needed
    assert says in found.says
    assert found.mend == mend


def test_what_works_is_said_in_plain_words() -> None:
    """Nothing to mend."""
    found = explain({step: Outcome() for step in Step}, FREE, ORDINARY)

    assert [finding.name for finding in found] == [step.value for step in Step]
    assert all(f.ok and f.mend is None and f.says for f in found)


def test_a_step_that_was_not_reached_is_no_success() -> None:
    """It is said to be untried; root's missing user namespace is not missed."""
    found = explain({Step.NAMESPACES: Outcome(errno=errno.EPERM, says="no")}, FREE, ROOT)

    assert Step.USER.value not in [finding.name for finding in found]
    assert not any(finding.ok for finding in found)
    assert found[-1].says == "not tried: something before it failed"


def test_settings_are_read_from_a_tree_like_proc_sys(tmp_path: Path) -> None:
    """What is missing or no number is None."""
    (tmp_path / "kernel").mkdir()
    (tmp_path / "user").mkdir()
    (tmp_path / "kernel" / "unprivileged_userns_clone").write_text("0\n")
    (tmp_path / "user" / "max_user_namespaces").write_text("128\n")
    (tmp_path / "user" / "max_net_namespaces").write_text("many\n")

    found = read_settings(tmp_path)

    assert found.userns_clone == 0
    assert found.apparmor_restrict is None
    assert found.limits["user"] == 128
    assert found.limits["net"] is None
    assert found.limits["pid"] is None


def test_privileges_are_read_from_a_process_status() -> None:
    """The capability's bit and the kind of filter."""
    bit = 1 << 21
    tamed = f"Name:\tpython\nCapEff:\t{(1 << 41) - 1 & ~bit:016x}\nSeccomp:\t2\n"

    assert read_privileges(tamed, uid=0) == TAMED_ROOT
    assert read_privileges(f"CapEff:\t{bit:016x}\nSeccomp:\t0\n", uid=0) == ROOT
    assert read_privileges("", uid=0) == ROOT
