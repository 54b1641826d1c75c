"""Services: what is needed to run one, and how one is found ready."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from harness.environments.recipes.base import NotReady, Site
from harness.environments.recipes.service import Service
from harness.errors import DeclarationError
from harness.model.system import Node, Role


def service(**more: Any) -> Node:
    """A service that lacks what is not given."""
    return Node(name="order", role=Role.SERVICE, **more)


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"build": Path("/srv")}, "service order: `command` is needed"),
        ({"command": ("python",)}, "service order: `build` is needed"),
    ],
)
def test_what_a_native_start_lacks_is_named(
    site: Callable[[Node], Site], fields: Mapping[str, Any], message: str
) -> None:
    """An image alone cannot be run without a container."""
    with pytest.raises(DeclarationError, match=message):
        asyncio.run(Service().prepare(site(service(**fields))))


def test_it_is_run_in_its_build_context(site: Callable[[Node], Site], tmp_path: Path) -> None:
    """Entrypoint before command; its own environment wins."""
    node = service(
        build=tmp_path,
        entrypoint=("tini", "--"),
        command=("python", "-m", "shop"),
        environment={"PATTERN": "dual-write", "PYTHONUNBUFFERED": "0"},
    )
    launch = asyncio.run(Service().prepare(site(node)))

    assert launch.argv == ("tini", "--", "python", "-m", "shop")
    assert launch.cwd == tmp_path
    assert (launch.env["PATTERN"], launch.env["PYTHONUNBUFFERED"]) == ("dual-write", "0")
    assert launch.env["PYTHONDONTWRITEBYTECODE"] == "1"


@pytest.mark.parametrize("status, heard", [(200, None), (204, None), (503, "HTTP 503")])
def test_ready_is_an_answer_of_its_health_check(
    site: Callable[[Node], Site], status: int, heard: str | None
) -> None:
    """Any 2xx at the place that its label names."""

    async def run() -> str | None:
        async def health(_: web.Request) -> web.Response:
            return web.Response(status=status)

        app = web.Application()
        app.router.add_get("/health", health)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        try:
            await Service().ready(site(service(labels={"aftershock.ready": f":{port}/health"})))
        except NotReady as not_ready:
            return str(not_ready)
        finally:
            await runner.cleanup()
        return None

    assert asyncio.run(run()) == heard


def test_without_any_question_a_running_process_is_ready(site: Callable[[Node], Site]) -> None:
    """Nothing is asked where nothing can be."""
    asyncio.run(Service().ready(site(service())))
