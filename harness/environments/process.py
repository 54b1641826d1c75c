"""One node's process tree: started through `spawn`, watched by pidfd, ended as a whole.

The tree's first process is PID 1 of a PID namespace of its own: when it dies, the kernel kills
every other process in there before the death is reported.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import EnvironmentFailed

_SPAWN = Path(__file__).with_name("spawn.py")
_SPAWN_TIMEOUT_S = 20.0
_FREEZE_TIMEOUT_S = 10.0
_POLL_S = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to execute. `nested_user`: the program refuses uid 0 and gets a user namespace."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    nested_user: bool = False
    binds: Sequence[tuple[str, str, bool]] = field(default_factory=tuple)
    """(source, target, read_only)."""


class Process:
    """A running tree. Build it with `start`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._pidfd = os.pidfd_open(pid)
        self._namespace = _pid_namespace(pid)
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(self._pidfd, self._reap)

    @classmethod
    async def start(cls, launch: Launch, *, hostname: str, netns_fd: int | None) -> "Process":
        """Spawn it. Raises EnvironmentFailed with the kernel's word when that is refused."""
        spec = {
            "netns_fd": netns_fd,
            "hostname": hostname,
            "binds": [list(b) for b in launch.binds],
            "log": str(launch.log),
            "cwd": str(launch.cwd),
            "argv": list(launch.argv),
            "env": dict(launch.env),
            "nested_user": launch.nested_user,
        }
        answer = await _spawn(spec, () if netns_fd is None else (netns_fd,))
        if "error" in answer:
            raise EnvironmentFailed(
                f"cannot start {hostname} ({' '.join(launch.argv[:3])} …): {answer['error']}"
            )
        return cls(int(answer["pid"]))

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        result = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED)
        os.close(self._pidfd)
        if result is None:  # pragma: no cover (a readable pidfd has a status)
            code = 255
        elif result.si_code == os.CLD_EXITED:
            code = result.si_status
        else:
            code = -result.si_status
        if not self._ended.done():
            self._ended.set_result(code)

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Await its end."""
        return await asyncio.shield(self._ended)

    def send(self, number: signal.Signals) -> None:
        """Signal the first process; nothing where it has ended."""
        if not self._ended.done():
            signal.pidfd_send_signal(self._pidfd, number)

    async def end(self, *, grace_s: float, polite: signal.Signals = signal.SIGTERM) -> int:
        """Ask, wait `grace_s`, then SIGKILL. A frozen tree can't answer: grace 0 for those."""
        if grace_s > 0 and not self._ended.done():
            self.send(polite)
            try:
                return await asyncio.wait_for(self.wait(), grace_s)
            except TimeoutError:
                pass
        self.send(signal.SIGKILL)
        return await self.wait()

    def members(self) -> tuple[int, ...]:
        """Every pid of the tree, as seen by the harness."""
        pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
        return tuple(pid for pid in pids if _pid_namespace(pid) == self._namespace)

    async def freeze(self) -> int:
        """SIGSTOP every process of the tree until all of them stand; returns how many. One that
        waits for a processor stands only when it gets it."""
        deadline = time.monotonic() + _FREEZE_TIMEOUT_S
        while moving := [p for p in self.members() if _run_state(p) not in {"T", "Z", "X", ""}]:
            if time.monotonic() > deadline:
                raise EnvironmentFailed(f"process {self.pid} could not be frozen")
            _signal_all(moving, signal.SIGSTOP)
            await asyncio.sleep(_POLL_S)
        return self.standing()

    def thaw(self) -> None:
        """SIGCONT every process of the tree."""
        _signal_all(self.members(), signal.SIGCONT)

    def standing(self) -> int:
        """How many processes of the tree are stopped at this moment."""
        return sum(_run_state(pid) == "T" for pid in self.members())


def _signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _pid_namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def _run_state(pid: int) -> str:
    """The one-letter state of proc(5), empty where the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[0]


async def _spawn(spec: Mapping[str, object], fds: Sequence[int]) -> dict[str, str | int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(_SPAWN),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=tuple(fds),
    )  # fmt: skip
    out, err = await asyncio.wait_for(
        process.communicate(json.dumps(spec).encode()), _SPAWN_TIMEOUT_S
    )
    try:
        answer: dict[str, str | int] = json.loads(out)
    except ValueError:
        raise EnvironmentFailed(f"the spawner failed: {err.decode(errors='replace')}") from None
    return answer
