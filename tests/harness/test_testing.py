"""Running a function in an outer namespace of its own, seen from the caller."""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from harness.errors import HarnessBug
from harness.testing import eventually, isolated


def where_am_i() -> dict[str, object]:
    """What the function sees around it."""
    interfaces = sorted(path.name for path in Path("/sys/class/net").iterdir())
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    net = os.readlink("/proc/self/ns/net")
    return {"pid": os.getpid(), "uid": os.getuid(), "pids": pids, "net": net, "links": interfaces}


async def double(numbers: list[int], *, by: int = 2) -> list[int]:
    """An async function with JSON both ways."""
    await asyncio.sleep(0)
    return [number * by for number in numbers]


def fail_deep() -> None:
    """Fails where a traceback is needed to see it."""
    raise ValueError("the stock is negative")


def assert_wrongly() -> None:
    """Fails as tests do."""
    assert 1 + 1 == 3


def no_json() -> object:
    """Gives back what cannot be told."""
    return object()


def exit_early() -> None:
    """Ends the process itself."""
    os._exit(3)


def never_end(pid_file: str) -> None:
    """Leaves a sign of life and goes on for ever, with a child."""
    child = os.fork()
    if child:
        Path(pid_file).write_text(json.dumps(child), encoding="utf-8")
    while True:
        os.waitpid(-1, 0) if child else os.read(os.pipe()[0], 1)


def test_it_runs_as_the_first_process_of_its_own_world() -> None:
    """Alone, as root, in a network without anybody else's interfaces."""
    seen = isolated(where_am_i)

    assert (seen["pid"], seen["uid"], seen["pids"]) == (1, 0, [1])
    assert seen["net"] != os.readlink("/proc/self/ns/net")


def test_arguments_and_results_are_passed() -> None:
    """An async function is run to its end."""
    assert isolated(double, [1, 2, 3]) == [2, 4, 6]


def test_a_failure_brings_its_traceback() -> None:
    """The message has the line that failed, whatever the exception was."""
    with pytest.raises(AssertionError) as failed:
        isolated(fail_deep)
    assert 'raise ValueError("the stock is negative")' in str(failed.value)
    with pytest.raises(AssertionError, match=r"assert 1 \+ 1 == 3"):
        isolated(assert_wrongly)


def test_a_result_that_cannot_be_told_is_a_failure() -> None:
    """Only JSON crosses the border."""
    with pytest.raises(AssertionError, match="not JSON serializable"):
        isolated(no_json)


def test_an_end_without_a_result_is_a_failure() -> None:
    """Silence never counts as success."""
    with pytest.raises(AssertionError, match="exit_early ended without a result"):
        isolated(exit_early)


def test_at_the_time_limit_everything_in_it_is_ended(tmp_path: Path) -> None:
    """The limit holds, and nothing of it is left in /proc."""
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="never_end was not done after 3 s"):
        isolated(never_end, str(tmp_path / "pid"), timeout_s=3)

    assert time.monotonic() - began < 10
    assert (tmp_path / "pid").exists(), "it was ended before it had begun"
    deadline = time.monotonic() + 5
    while str(tmp_path / "pid") in _command_lines():
        assert time.monotonic() < deadline


def _command_lines() -> str:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)


def test_only_a_functions_own_name_can_be_found_again() -> None:
    """A function within another is refused with words, not by a failing import."""

    def inner() -> None: ...

    with pytest.raises(HarnessBug, match="only a module's own function"):
        isolated(inner)


def test_a_condition_is_awaited() -> None:
    """It is asked again until it holds."""
    answers = [False, False, True]
    asyncio.run(eventually(lambda: answers.pop(0)))
    assert answers == []


def test_a_condition_that_does_not_come_is_named() -> None:
    """With its own source, so that one sees what was waited for."""
    answers: list[bool] = []
    with pytest.raises(TimeoutError, match=r"not so within 0.05 s: .*len\(answers\) == 1"):
        asyncio.run(eventually(lambda: len(answers) == 1, within_s=0.05))
