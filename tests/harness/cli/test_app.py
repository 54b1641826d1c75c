"""The command line: what is wrong is one message and the right exit code."""

from pathlib import Path

import pytest

from tests.command import Aftershock

WRONG = (
    (("run", "no-such-suite"), "no suite 'no-such-suite'; there are: shop"),
    (("run", "--pattern", "quantum"), "--pattern quantum: suite shop has no such pattern"),
    (("run", "--fault", "meteor"), "--fault meteor: no such fault; there are none, kill-between"),
    (("run", "--backend", "podman"), "--backend podman: there are auto, namespaces, docker"),
    (
        ("run", "--pattern", "dual-write", "--fault", "connect-kill"),
        "--fault connect-kill: fits none of the chosen patterns (dual-write: there is no kafka-",
    ),
    (
        ("run", "--fault", "kill:nobody:after:order/order-db/commit"),
        "--fault kill:nobody:after:order/order-db/commit: fits none of the chosen patterns",
    ),
    (("list", "points"), "list points: --pattern is wanted; there are "),
    (("list", "points", "--pattern", "quantum"), "--pattern quantum: suite shop has no such"),
    (
        ("list", "faults", "--pattern", "dual-write"),
        "list faults: --pattern, --seed and --backend are for",
    ),
    (
        ("list", "planets"),
        "list planets: there are lists of suites, patterns, faults, invariants, points",
    ),
    (("run", "--seed", "seven"), "Invalid value for '--seed'"),
    (("run", "--no-such-option"), "No such option"),
    (("no-such-verb",), "No such command"),
)


@pytest.mark.parametrize(("arguments", "says"), WRONG)
def test_a_wrong_call_is_one_message_and_254(
    arguments: tuple[str, ...], says: str, aftershock: Aftershock
) -> None:
    """No traceback, nothing on standard output, and what there is to choose from."""
    answer = aftershock(*arguments)
    assert answer.code == 254, answer.err
    assert says in answer.err
    assert "Traceback" not in answer.err and answer.out == ""


def test_without_an_engine_containers_are_refused(
    aftershock: Aftershock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message, 254, nothing started; the images' command says the same."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    for arguments in (("run", "--backend", "docker"), ("images", "build")):
        answer = aftershock(*arguments)
        assert answer.code == 254, answer.err
        assert answer.err == (
            "aftershock: --backend docker: no Docker Engine answers at /nowhere/docker.sock "
            "(No such file or directory)\n"
        )
        assert answer.out == ""


def test_help_teaches_every_verb(aftershock: Aftershock) -> None:
    """The verbs of the contract, each with a sentence."""
    answer = aftershock("--help")
    verbs = ("run", "check", "report", "up", "down", "status", "list", "doctor", "fetch", "clean")
    assert answer.code == 0
    assert [verb for verb in verbs if f" {verb} " not in answer.out] == []


def test_a_full_or_unwritable_place_for_results_is_named(
    aftershock: Aftershock, tmp_path: Path
) -> None:
    """`--out` under a file: the path and what to do."""
    (tmp_path / "file").write_text("")
    answer = aftershock("run", "--offline", "--out", str(tmp_path / "file"))
    assert answer.code == 254
    assert str(tmp_path / "file") in answer.err and "--out" in answer.err
    assert "Traceback" not in answer.err
