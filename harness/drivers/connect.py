"""Kafka Connect through its REST interface.

A 409 means that the workers are rebalancing; it is asked again until the deadline. Every other
error is raised with what the worker said.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from harness.drivers.http import Answer, new_session, send
from harness.errors import EnvironmentFailed

_POLL_S = 0.05
_CONFLICT = 409
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """One task of a connector; `trace` is the stack trace of a failed one."""

    task: int
    state: str
    trace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorStatus:
    """A connector and its tasks as the worker last heard of them."""

    connector: str
    state: str
    trace: str | None = None
    tasks: tuple[TaskStatus, ...] = ()

    @property
    def running(self) -> bool:
        """The connector runs, and so does each of at least one task."""
        return (
            self.state == "RUNNING"
            and bool(self.tasks)
            and all(task.state == "RUNNING" for task in self.tasks)
        )

    def __str__(self) -> str:
        tasks = ", ".join(f"task {t.task} {t.state}" for t in self.tasks) or "no task"
        trace = next((t.trace for t in self.tasks if t.trace), self.trace)
        reason = f" ({_cause(trace)})" if trace else ""
        return f"{self.connector} {self.state}, {tasks}{reason}"


class ConnectRefused(EnvironmentFailed):
    """The worker answered with an error, or not in time. `status` is None without an answer."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Connect:
    """One worker's REST interface. `timeout_s` bounds each call, retries included."""

    def __init__(self, address: str, port: int = 8083, *, timeout_s: float = 10.0) -> None:
        self._base = f"http://{address}:{port}"
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the session. Idempotent."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ping(self) -> bool:
        """Whether `GET /connectors` is answered right now."""
        answer = await self._send("GET", "/connectors", timeout_s=min(2.0, self._timeout_s))
        return answer.status == 200

    async def connectors(self) -> tuple[str, ...]:
        """The connectors' names, sorted."""
        return tuple(sorted(str(name) for name in _array(await self._call("GET", "/connectors"))))

    async def status(self, name: str) -> ConnectorStatus:
        """The state of one connector. Raises ConnectRefused; 404 where it has none (yet)."""
        return _status(name, _object(await self._call("GET", f"{_path(name)}/status")))

    async def statuses(self) -> tuple[ConnectorStatus, ...]:
        """The state of every connector, by name, in one request."""
        found = _object(await self._call("GET", "/connectors?expand=status"))
        return tuple(_status(name, _object(found[name])["status"]) for name in sorted(found))

    async def put_config(self, name: str, config: Mapping[str, str]) -> None:
        """Create the connector or replace its configuration."""
        await self._call("PUT", f"{_path(name)}/config", body=config)

    async def restart(self, name: str, *, include_tasks: bool = True) -> None:
        """Restart the connector, its tasks too unless told otherwise. Returns once accepted: for
        a moment the status still shows the old run."""
        flag = "true" if include_tasks else "false"
        await self._call("POST", f"{_path(name)}/restart?includeTasks={flag}&onlyFailed=false")

    async def stop(self, name: str) -> None:
        """Stop it and await STOPPED without tasks; its configuration and offsets stay."""
        await self._call("PUT", f"{_path(name)}/stop")
        await self._await_status(
            name, lambda s: s.state == "STOPPED" and not s.tasks, self._timeout_s, "STOPPED"
        )

    async def delete(self, name: str) -> None:
        """Delete the connector; one that is not there is fine. Offsets stay."""
        try:
            await self._call("DELETE", _path(name))
        except ConnectRefused as refused:
            if refused.status != _NOT_FOUND:
                raise

    async def delete_offsets(self, name: str) -> None:
        """Forget its source or sink offsets. The connector must be stopped."""
        await self._call("DELETE", f"{_path(name)}/offsets")

    async def wait_running(self, name: str, deadline_s: float) -> ConnectorStatus:
        """Await connector and tasks RUNNING. Raises EnvironmentFailed with the last state."""
        return await self._await_status(name, lambda s: s.running, deadline_s, "RUNNING")

    async def _await_status(
        self,
        name: str,
        reached: Callable[[ConnectorStatus], bool],
        deadline_s: float,
        wanted: str,
    ) -> ConnectorStatus:
        ends = time.monotonic() + deadline_s
        last = "never asked"
        while (left := ends - time.monotonic()) > 0:
            try:
                status = await self._status_within(name, left)
            except ConnectRefused as refused:
                last = str(refused)  # no state yet, or the worker itself is restarting
            else:
                if reached(status):
                    return status
                last = str(status)
            await asyncio.sleep(_POLL_S)
        raise EnvironmentFailed(f"connector {name} not {wanted} in {deadline_s:g} s: {last}")

    async def _status_within(self, name: str, timeout_s: float) -> ConnectorStatus:
        body = await self._call("GET", f"{_path(name)}/status", timeout_s=timeout_s)
        return _status(name, _object(body))

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> object:
        """The parsed answer. Asks again on 409 until the deadline."""
        limit = self._timeout_s if timeout_s is None else timeout_s
        ends = time.monotonic() + limit
        while True:
            left = max(0.05, ends - time.monotonic())
            answer = await self._send(method, path, timeout_s=left, body=body)
            if answer.status is not None and answer.status < 300:
                return json.loads(answer.body) if answer.body.strip() else None
            if answer.status != _CONFLICT or ends - time.monotonic() < _POLL_S:
                raise _refused(method, path, answer)
            await asyncio.sleep(_POLL_S)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        timeout_s: float,
        body: Mapping[str, str] | None = None,
    ) -> Answer:
        if self._session is None:
            self._session = new_session()
        return await send(self._session, method, self._base + path, timeout_s=timeout_s, body=body)


def _path(name: str) -> str:
    return f"/connectors/{quote(name, safe='')}"


def _refused(method: str, path: str, answer: Answer) -> ConnectRefused:
    said = answer.value.get("message") or answer.error
    return ConnectRefused(f"Connect: {method} {path}: {said}", status=answer.status)


def _object(body: object) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise ConnectRefused(f"Connect: expected a JSON object, got {str(body)[:200]}")
    return body


def _array(body: object) -> list[Any]:
    if not isinstance(body, list):
        raise ConnectRefused(f"Connect: expected a JSON array, got {str(body)[:200]}")
    return body


def _status(name: str, body: Mapping[str, Any]) -> ConnectorStatus:
    own = _object(body["connector"])
    tasks = (
        TaskStatus(task=int(t["id"]), state=str(t["state"]), trace=t.get("trace"))
        for t in _array(body["tasks"])
    )
    return ConnectorStatus(
        connector=name,
        state=str(own["state"]),
        trace=own.get("trace"),
        tasks=tuple(sorted(tasks, key=lambda t: t.task)),
    )


def _cause(trace: str) -> str:
    """The innermost cause of a Java stack trace, else its first line."""
    lines = trace.strip().splitlines()
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return (causes or lines or [""])[-1 if causes else 0]
