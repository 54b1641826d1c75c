"""Toxiproxy's control interface, through `toxiproxy-python`: every call has a deadline, and what
did not succeed is an error.

The package itself waits for ever and takes an answer of 500 for success, asks through whatever
HTTP proxy the environment names, and keeps the server's address in a class, so that a process can
have one server only.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests
from toxiproxy import Toxiproxy as Server
from toxiproxy import api
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from harness.errors import EnvironmentFailed
from harness.model.toxic import Toxic

T = TypeVar("T")

_CALL_S = 10.0
"""The server may wait 5 s for a connection that takes no bytes before it does what it is told."""
_POLL_S = 0.02
_SERVER_ERROR = 500


class _Requests:
    """What the package calls instead of `requests`."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s

    def get(self, **given: Any) -> requests.Response:
        return self._ask("GET", given)

    def post(self, **given: Any) -> requests.Response:
        return self._ask("POST", given)

    def delete(self, **given: Any) -> requests.Response:
        return self._ask("DELETE", given)

    def _ask(self, method: str, given: Mapping[str, Any]) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, timeout=self.timeout_s, **given)
        if answer.status_code >= _SERVER_ERROR:
            raise requests.HTTPError(f"answered {answer.status_code}: {answer.text.strip()}")
        return answer


class Toxiproxy:
    """The one server of this process. Every method raises EnvironmentFailed where the server does
    not answer in time, or refuses."""

    def __init__(self, address: str, port: int, *, timeout_s: float = _CALL_S) -> None:
        self._timeout_s = timeout_s
        self._requests = _Requests(timeout_s)
        self._server = Server()
        self._at = (address, port)

    async def wait_ready(self, timeout_s: float) -> str:
        """Await an answer. Returns the server's version."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            try:
                return await self._call("version", lambda: api.APIConsumer.get("/version").text)
            except EnvironmentFailed:
                if loop.time() > deadline:
                    raise
            await asyncio.sleep(_POLL_S)

    async def create(self, name: str, *, listen: str, upstream: str) -> None:
        """A proxy without toxics."""
        await self._call(
            f"create {name}", lambda: self._server.create(upstream, name, listen, True)
        )

    async def destroy(self, name: str) -> None:
        """End a proxy with its connections. Idempotent."""

        def destroy() -> None:
            proxy = self._server.get_proxy(name)
            if proxy is not None:
                proxy.destroy()

        await self._call(f"destroy {name}", destroy)

    async def add(self, name: str, toxic: Toxic) -> None:
        """Put a toxic on a proxy: on its connections, and on those to come."""

        def add() -> None:
            self._proxy(name).add_toxic(
                type=toxic.type, stream=toxic.stream.value, attributes=dict(toxic.attributes)
            )

        await self._call(f"add {toxic.type} to {name}", add)

    async def cleanse(self, name: str) -> None:
        """Take every toxic off a proxy. Idempotent."""

        def cleanse() -> None:
            proxy = self._proxy(name)
            for toxic in proxy.toxics():
                proxy.destroy_toxic(toxic)

        await self._call(f"cleanse {name}", cleanse)

    def _proxy(self, name: str) -> Any:
        proxy = self._server.get_proxy(name)
        if proxy is None:
            raise NotFound(f"there is no proxy {name}")
        return proxy

    async def _call(self, what: str, call: Callable[[], T]) -> T:
        """In a thread, since the package blocks; which ends by its own deadline, a little earlier."""

        def at_the_server() -> T:
            api.requests = self._requests
            self._server.update_api_consumer(*self._at)
            return call()

        try:
            async with asyncio.timeout(2 * self._timeout_s):
                return await asyncio.to_thread(at_the_server)
        except TimeoutError as late:
            raise EnvironmentFailed(
                f"toxiproxy: {what}: no answer in {2 * self._timeout_s:g} s"
            ) from late
        except (
            requests.RequestException,
            ProxyExists,
            NotFound,
            InvalidToxic,
            ValueError,
        ) as error:
            raise EnvironmentFailed(f"toxiproxy: {what}: {_text(error)}") from error


def _text(error: Exception) -> str:
    (first, *_) = error.args or ("",)
    return first.decode(errors="replace").strip() if isinstance(first, bytes) else str(error)
