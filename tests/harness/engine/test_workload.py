"""The open-loop workload, against a real HTTP server."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from harness.engine.clock import ScenarioClock
from harness.engine.history import History
from harness.engine.turnstile import Alone
from harness.engine.workload import drive, first_asked_before
from harness.errors import DeclarationError
from harness.model.op import Op, OpType
from harness.model.request import Request

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def place(key: str, due_s: float = 0.0) -> Request:
    """The request to place one order."""
    return Request(due_s=due_s, f="place", key=key, method="POST", path="/orders", body={"id": key})


def cancel(key: str, due_s: float = 0.0) -> Request:
    """The request to cancel it, once it was placed."""
    return Request(
        due_s=due_s,
        f="cancel",
        key=key,
        method="POST",
        path=f"/orders/{key}/cancel",
        only_if_ok="place",
    )


def run(
    plan: list[Request],
    handler: Handler,
    *,
    timeout_s: float = 5.0,
    cancel_after: float = 0.0,
    alone: int | None = None,
) -> list[Op]:
    """The history of the plan. `cancel_after`: cancel the whole workload after that long. `alone`:
    the place of the request that goes alone."""
    lines: list[Op] = []
    history = History(lines.append, ScenarioClock())

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", handler)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with asyncio.timeout(cancel_after or None):
                one = None if alone is None else Alone(place=alone, over=asyncio.Event())
                await drive(plan, url, history, timeout_s, alone=one)
        except TimeoutError:
            assert cancel_after
        finally:
            await runner.cleanup()

    asyncio.run(main())
    assert history.in_flight == 0
    return lines


def ends(lines: list[Op]) -> dict[tuple[str, str | None], OpType]:
    """(f, key) → how it ended."""
    return {(op.f, op.key): op.type for op in lines if op.type is not OpType.INVOKE}


async def accept(request: web.Request) -> web.Response:
    """201 with what was sent."""
    return web.json_response(await request.json() if request.can_read_body else {}, status=201)


def test_each_operation_is_recorded_with_what_was_asked_and_answered() -> None:
    """Under a process of its own."""
    lines = run([place("1"), place("2")], accept)
    by_key = {(op.key, op.type): op for op in lines}
    assert len(lines) == 4
    assert by_key["2", OpType.INVOKE].value == {"id": "2"}
    assert by_key["2", OpType.OK].value == {"id": "2", "status": 201}
    assert {op.process for op in lines} == {"client-0", "client-1"}


def test_load_does_not_wait_for_slow_answers() -> None:
    """The second request is sent, and answered, while the first still hangs."""
    release = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        body = await request.json()
        if body["id"] == "2":
            release.set()
        await release.wait()
        return web.json_response({}, status=201)

    lines = run([place("1"), place("2", due_s=0.05)], handler)
    assert [op.type for op in lines[:2]] == [OpType.INVOKE] * 2
    assert ends(lines) == {("place", "1"): OpType.OK, ("place", "2"): OpType.OK}


def test_one_request_may_go_alone() -> None:
    """While the server has it, it has no other; their times are those of their sending."""
    under_way: set[str] = set()
    beside: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        key = (await request.json())["id"]
        under_way.add(key)
        await asyncio.sleep(0.1)
        if "2" in under_way:
            beside.extend(under_way - {"2"})
        under_way.discard(key)
        return web.json_response({}, status=201)

    plan = [place(str(n), due_s=0.02 * n) for n in range(4)]
    lines = run(plan, handler, alone=2)
    assert set(ends(lines).values()) == {OpType.OK}
    assert beside == []
    told = [(op.key, op.type) for op in lines]
    ended = told.index(("2", OpType.OK))
    assert told[4:6] == [("2", OpType.INVOKE), ("2", OpType.OK)]
    assert told.index(("3", OpType.INVOKE)) > ended


def test_a_request_is_sent_when_due() -> None:
    """Not before."""
    lines = run([place("1"), place("2", due_s=0.2)], accept)
    first, second = (op.time_s for op in lines if op.type is OpType.INVOKE)
    assert 0.19 < second - first < 1


def test_a_dependent_request_waits_for_its_condition_and_is_left_out_without_it() -> None:
    """A cancellation comes after the placing that it cancels, or not at all."""

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/orders":
            await asyncio.sleep(0.1)
            refused = (await request.json())["id"] == "2"
            return web.json_response({}, status=409 if refused else 201)
        return web.json_response({})

    lines = run([place("1"), place("2"), cancel("1"), cancel("2")], handler)
    assert ends(lines) == {
        ("place", "1"): OpType.OK,
        ("place", "2"): OpType.FAIL,
        ("cancel", "1"): OpType.OK,
    }
    order = [(op.f, op.type) for op in lines if op.key == "1"]
    assert order[1:3] == [("place", OpType.OK), ("cancel", OpType.INVOKE)]


def test_no_answer_in_time_is_unknown() -> None:
    """And ends the operation."""

    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    lines = run([place("1"), cancel("1")], handler, timeout_s=0.2)
    assert ends(lines) == {("place", "1"): OpType.INFO}


def test_cancelled_it_leaves_no_operation_open() -> None:
    """What was in flight is unknown; what was not yet due was never invoked."""

    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    plan = [place("1"), cancel("1"), place("2", due_s=20)]
    lines = run(plan, handler, cancel_after=0.3)
    assert [(op.key, op.type, op.error) for op in lines] == [
        ("1", OpType.INVOKE, None),
        ("1", OpType.INFO, "cancelled"),
    ]


def test_a_condition_that_comes_later_in_the_plan_is_refused() -> None:
    """It could wait for ever."""
    with pytest.raises(DeclarationError, match="does not come before it"):
        run([cancel("1"), place("1")], accept)


def test_a_key_counts_as_asked_for_from_its_first_request_on() -> None:
    plan = [place("1", 0.1), place("2", 0.5), cancel("1", 0.9), place("3", 1.0), cancel("3", 1.2)]
    assert first_asked_before(plan, 0.5) == {"1"}
    assert first_asked_before(plan, 1.0) == {"1", "2"}
    assert first_asked_before(plan, 1.1) == {"1", "2", "3"}
