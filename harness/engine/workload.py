"""Runs a workload's plan: each request at its due time, however slow the answers to others.

Open loop: load does not wait for the system under test, but for one request that may be sent by
itself (see turnstile.py). Nothing is retried, so one request is one operation. Every operation that
is invoked ends, by cancellation as info.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import aiohttp

from harness.drivers.http import Answer, new_session, send
from harness.engine.history import History
from harness.engine.turnstile import Alone, Turnstile
from harness.errors import DeclarationError
from harness.model.op import OpType
from harness.model.request import Request

CORRELATION = "X-Correlation-Id"
"""The header that carries the business key, so that a request has one on the wire."""

Ends = Mapping[tuple[str, str], "asyncio.Future[OpType | None]"]
"""(f, key) → how that request ended; None where it was never sent."""


async def drive(
    plan: Sequence[Request],
    base_url: str,
    history: History,
    timeout_s: float,
    *,
    alone: Alone | None = None,
) -> None:
    """Send the whole plan to `base_url` and await every end, each within `timeout_s` of its
    sending. Each request has a process of its own, `client-<place in the plan>`.

    Cancelled, it records what is in flight as info and ends. Raises DeclarationError for a plan
    in which a request depends on one that doesn't come before it.
    """
    _refuse_cycles(plan)
    loop = asyncio.get_running_loop()
    began = loop.time()
    ends: Ends = {(request.f, request.key): loop.create_future() for request in plan}
    turnstile = Turnstile(alone)
    async with new_session() as session, asyncio.TaskGroup() as group:
        for place, request in enumerate(plan):
            slot = _Slot(place, request, base_url, history, timeout_s, turnstile)
            group.create_task(slot.run(session, began, ends))


def first_asked_before(plan: Iterable[Request], moment_s: float) -> frozenset[str]:
    """The keys whose first request is due before that moment, in seconds since the start."""
    return frozenset(request.key for request in plan if request.due_s < moment_s)


def _refuse_cycles(plan: Sequence[Request]) -> None:
    before: set[tuple[str, str]] = set()
    for request in plan:
        needed = request.only_if_ok
        if needed is not None and (needed, request.key) not in before:
            raise DeclarationError(
                f"workload: {request.f} of {request.key} depends on {needed} of the same key, "
                "which does not come before it in the plan"
            )
        before.add((request.f, request.key))


def _correlating(key: str) -> Mapping[str, str]:
    """Nothing for a key that no header can carry."""
    return {CORRELATION: key} if key.isascii() and key.isprintable() else {}


class _Slot:
    """One request of the plan and the process that sends it."""

    def __init__(
        self,
        place: int,
        request: Request,
        base_url: str,
        history: History,
        timeout_s: float,
        turnstile: Turnstile,
    ) -> None:
        self._place = place
        self._request = request
        self._url = base_url.rstrip("/") + request.path
        self._history = history
        self._timeout_s = timeout_s
        self._turnstile = turnstile

    async def run(self, session: aiohttp.ClientSession, began: float, ends: Ends) -> None:
        """Wait for the due time, send, record. Tells `ends` in any case."""
        end = ends[self._request.f, self._request.key]
        try:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(began + self._request.due_s - loop.time())
            kind = await self._passed(session) if await self._allowed(ends) else None
            if not end.done():
                end.set_result(kind)
        finally:
            end.cancel()  # does nothing to one that has its result

    async def _allowed(self, ends: Ends) -> bool:
        if self._request.only_if_ok is None:
            return True
        earlier = ends[self._request.only_if_ok, self._request.key]
        return await asyncio.shield(earlier) is OpType.OK

    async def _passed(self, session: aiohttp.ClientSession) -> OpType:
        async with self._turnstile.passing(self._place):
            return await self._send(session)

    async def _send(self, session: aiohttp.ClientSession) -> OpType:
        request = self._request
        process = f"client-{self._place}"
        invoked = self._history.invoke(process, request.f, request.key, request.body)
        # What cancellation leaves: sent perhaps, answered perhaps.
        answer = Answer(type=OpType.INFO, error="cancelled")
        try:
            answer = await send(
                session,
                request.method,
                self._url,
                timeout_s=self._timeout_s,
                body=request.body,
                headers=_correlating(request.key),
            )
        finally:
            value = dict(answer.value)
            if answer.status is not None:
                value["status"] = answer.status
            self._history.end(invoked, answer.type, value, answer.error)
        return answer.type
