"""For tests that need real nodes: a function run in an outer namespace of its own.

    async def two_nodes(directory: str) -> list[str]:
        async with Namespaces(system, toolchain, directory=Path(directory), …) as nodes:
            …
            return answers

    def test_two_nodes_answer(tmp_path: Path) -> None:
        assert isolated(two_nodes, str(tmp_path)) == ["200", "200"]

The function runs in a new process, as PID 1, with a network, mounts and processes that nobody
else has; whatever it starts and leaves is gone when it ends. It needs no privilege and touches
nothing outside.
"""

import asyncio
import importlib.util
import inspect
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.environments.outer import run_inside
from harness.errors import HarnessBug, MachineUnfit

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from harness.testing import answer; answer(int(sys.argv[2]), sys.argv[3])"
)


_POLL_S = 0.01


def isolated(function: Callable[..., Any], *arguments: Any, timeout_s: float = 60.0) -> Any:
    """Run `function`, plain or async, in an outer namespace of its own and return its result.

    `function` is defined at the top of a module, and that module is imported anew; arguments and
    result are JSON. What it prints goes where the caller's output goes.

    AssertionError: it raised; the message is its traceback. TimeoutError: it took longer than
    `timeout_s` and was ended with everything it had started. MachineUnfit: the kernel refuses
    the namespaces. HarnessBug: it cannot be run like this.
    """
    request = json.dumps({**_place(function), "arguments": arguments})
    told = _run(function.__qualname__, request, timeout_s)
    if not told:
        raise AssertionError(f"{function.__qualname__} ended without a result")
    outcome = json.loads(told)
    if "unfit" in outcome:
        raise MachineUnfit(outcome["unfit"])
    if "error" in outcome:
        raise AssertionError(f"in an outer namespace of its own:\n{outcome['error']}")
    return outcome["result"]


def _place(function: Callable[..., Any]) -> dict[str, str]:
    file = inspect.getsourcefile(function)
    if file is None or not function.__qualname__.isidentifier():
        raise HarnessBug(f"{function.__qualname__}: only a module's own function can be isolated")
    return {"file": str(Path(file).resolve()), "name": function.__qualname__}


def _run(what: str, request: str, timeout_s: float) -> bytes:
    """Run the process to its end; returns what it told, without a limit to its length."""
    told = os.memfd_create("aftershock-isolated")
    with os.fdopen(told, "rb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps(sys.path), str(told), request],
            stdin=subprocess.DEVNULL,
            pass_fds=(told,),
        )
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{what} was not done after {timeout_s:g} s") from None
        finally:
            # The end of this one process is the end of all that it started.
            process.kill()
            process.wait()
        file.seek(0)
        return file.read()


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], *, within_s: float = 10.0
) -> None:
    """Await the condition, plain or async, by asking. Raises TimeoutError naming it where it does
    not come."""
    deadline = time.monotonic() + within_s
    while not await _holds(condition):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {within_s:g} s: {inspect.getsource(condition)}")
        await asyncio.sleep(_POLL_S)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    told = condition()
    return told if isinstance(told, bool) else await told


def answer(fd: int, request: str) -> None:
    """What the new process does: run the function inside and write its outcome to `fd`."""
    asked = json.loads(request)

    def main() -> int:
        try:
            outcome = {"result": _call(asked)}
        except BaseException:  # noqa: BLE001 (the caller is told, whatever it was)
            outcome = {"error": traceback.format_exc()}
        _tell(fd, outcome)
        return 0

    try:
        run_inside(main)
    except MachineUnfit as unfit:
        _tell(fd, {"unfit": str(unfit)})


def _call(asked: dict[str, Any]) -> Any:
    module = _import(Path(asked["file"]))
    result = getattr(module, asked["name"])(*asked["arguments"])
    result = asyncio.run(result) if inspect.iscoroutine(result) else result
    json.dumps(result)
    return result


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise HarnessBug(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _tell(fd: int, outcome: dict[str, Any]) -> None:
    with os.fdopen(os.dup(fd), "w", encoding="utf-8") as file:
        json.dump(outcome, file)
