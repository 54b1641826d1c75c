"""The harness's side of the tap process: starts it, tells it what to do, notices when it dies."""

import asyncio
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import DeclarationError, EnvironmentFailed
from harness.model.cut import Reached, Trigger
from harness.tap.messages import Inbox, Message, encode, reached_of, trigger_json

_ANSWER_TIMEOUT_S = 10.0
_CATCH_UP_TIMEOUT_S = 60.0
"""For what has the taps read all that they have put off."""
_CATCHING_UP = frozenset({"begin", "end", "arm", "discard"})
_END_TIMEOUT_S = 5.0


class Taps:
    """The running tap process. Implements `harness.stage.Points`.

    Everything raises EnvironmentFailed once the process has died, and so does whatever was being
    awaited from it; `failure` says so too, to whoever asks afterwards.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self._reached: asyncio.Future[Reached] | None = None
        self._dying = False
        self.failure: str | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, None while there is none."""
        return self._process.pid if self._process is not None else None

    async def start(
        self,
        links: Sequence[Mapping[str, Any]],
        networks: Mapping[str, int],
        sandboxes: Mapping[str, str] | None = None,
    ) -> None:
        """Start the process, standing on `links` (see harness.tap.relay.Link), dialling from the
        network namespaces (node → descriptor), or by sockets that sandboxes make (client → path).
        Raises EnvironmentFailed."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs, self._log.open("ab") as log:
            self._process = await asyncio.to_thread(
                subprocess.Popen,
                [sys.executable, "-m", "harness.tap", str(theirs.fileno())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=(theirs.fileno(),), cwd="/",
                # Ctrl-C is for the harness, which still needs its taps to heal and to collect.
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )  # fmt: skip
        self.failure, self._dying, self._sock = None, False, ours
        self._inbox = Inbox(ours)
        asyncio.get_running_loop().add_reader(ours.fileno(), self._readable)
        for node, descriptor in networks.items():
            await self.node_network(node, descriptor)
        for client, path in (sandboxes or {}).items():
            await self._ask("sandbox", node=client, path=path)
        await self._ask("listen", links=list(links))

    async def close(self) -> None:
        """End the process. Idempotent."""
        self._dying = True
        if self._sock is not None:
            asyncio.get_running_loop().remove_reader(self._sock.fileno())
            self._sock.close()
            self._sock = None
        if self._process is not None:
            process, self._process = self._process, None
            try:
                await asyncio.to_thread(process.wait, _END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)

    # --- scenarios ----------------------------------------------------------------------------

    async def begin(self, path: Path, key_columns: frozenset[str], payload_bytes: int) -> None:
        """Count everything anew and write it to `path` from now on."""
        await self._ask(
            "begin", path=str(path), key_columns=sorted(key_columns), payload_bytes=payload_bytes
        )

    async def end(self) -> int:
        """Write no more. Returns how many frames were written since `begin`."""
        return int((await self._ask("end"))["frames"])

    async def strangers(
        self, connections: Iterable[tuple[str, str, int]]
    ) -> tuple[tuple[str, str, int], ...]:
        """Of these, (server, address, port) as the server sees them, those that no tap has made."""
        told = await self._ask("strangers", connections=[list(one) for one in connections])
        return tuple((server, address, port) for server, address, port in told["strangers"])

    # --- nodes --------------------------------------------------------------------------------

    async def node_gone(self, node: str) -> None:
        """The node's process has ended: end its connections, here and at its servers. A tap that
        has died has ended them already."""
        if self.failure is None:
            await self._ask("discard", node=node)

    async def node_network(self, node: str, descriptor: int) -> None:
        """Dial for the node from this network namespace."""
        if self.failure is None:
            await self._ask("network", descriptor, node=node)

    # --- points -------------------------------------------------------------------------------

    async def arm(self, trigger: Trigger, gated: Sequence[str]) -> None:
        """Look for the trigger from now on."""
        self._reached = asyncio.get_running_loop().create_future()
        told = await self._ask("arm", **trigger_json(trigger), gated=list(gated))
        if not told["armed"] and not self._reached.done():
            self._reached.cancel()

    async def reached(self, timeout_s: float) -> Reached | None:
        """Await the point; None: it has not come, and nothing is armed any more."""
        if self._reached is None:
            return None
        done, _ = await asyncio.wait({self._reached}, timeout=timeout_s)
        if done and not self._reached.cancelled():
            return self._reached.result()
        await self.open()
        return None

    async def discard(self, node: str) -> None:
        await self._ask("discard", node=node)

    async def open(self) -> None:
        if self.failure is None:
            await self._ask("open")

    async def reset(self) -> None:
        await self._ask("reset")

    async def swallow(self) -> None:
        await self._ask("swallow")

    async def answer(self, error: str) -> None:
        try:
            await self._ask("answer", code=error)
        except EnvironmentFailed as failed:
            raise DeclarationError(str(failed)) from failed

    # --- servers that fail ----------------------------------------------------------------------

    async def fail(self, client: str, server: str, code: str) -> None:
        """Answer every HTTP request on this link with that status, until `serve`."""
        await self._ask("fail", client=client, server=server, code=code)

    async def serve(self, client: str, server: str) -> int:
        """Forward again. Returns how many requests were answered instead. Idempotent."""
        return int((await self._ask("serve", client=client, server=server))["answered"])

    # --- detours -------------------------------------------------------------------------------

    async def lead(self, ways: Sequence[Mapping[str, Any]]) -> None:
        """From now on these links, and no others, go by way of a proxy: `client`, `server` and
        `port`, `proxy` and `exit` (see harness.tap.detour.Way). Connections of a link that gets
        another way are ended."""
        await self._ask("lead", ways=list(ways))

    # --- talking ------------------------------------------------------------------------------

    async def _ask(self, what: str, descriptor: int | None = None, /, **given: Any) -> Message:
        if self._sock is None or self.failure is not None:
            raise EnvironmentFailed(self.failure or "there is no tap process")
        number = next(self._ids)
        self._answers[number] = asyncio.get_running_loop().create_future()
        timeout_s = _CATCH_UP_TIMEOUT_S if what in _CATCHING_UP else _ANSWER_TIMEOUT_S
        message = {"id": number, "do": what, "fd": descriptor is not None, **given}
        try:
            if descriptor is None:
                self._sock.sendall(encode(message))
            else:
                socket.send_fds(self._sock, [encode(message)], [descriptor])
            answer = await asyncio.wait_for(self._answers[number], timeout_s)
        except TimeoutError as late:
            raise EnvironmentFailed(
                f"the tap process has not answered {what!r} in {timeout_s:g} s"
            ) from late
        except OSError as error:
            self._fail(error.strerror or str(error))
            raise EnvironmentFailed(str(self.failure)) from error
        finally:
            self._answers.pop(number, None)
        if "error" in answer:
            raise EnvironmentFailed(f"taps: {answer['error']}")
        return answer

    def _readable(self) -> None:
        try:
            for message in self._inbox.receive():
                self._take(message)
        except (EOFError, OSError):
            self._fail("it hung up")

    def _take(self, message: Message) -> None:
        if message.get("event") == "reached":
            if self._reached is not None and not self._reached.done():
                self._reached.set_result(reached_of(message))
            return
        answer = self._answers.get(message["id"])
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _fail(self, why: str) -> None:
        if self._sock is not None:
            asyncio.get_running_loop().remove_reader(self._sock.fileno())
        if self._dying:
            return
        self.failure = f"the tap process has died ({why}); see {self._log}"
        failed = EnvironmentFailed(self.failure)
        waiting: list[asyncio.Future[Any]] = [*self._answers.values()]
        if self._reached is not None:
            waiting.append(self._reached)
        for future in waiting:
            if not future.done():
                future.set_exception(failed)
                future.exception()  # whoever waits gets it; nobody may be waiting
