"""A small threaded HTTP/1.1 server that speaks JSON."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from .process import log


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status and a JSON object."""

    status: int
    body: Mapping[str, Any]


Route = Callable[[str, str, bytes], Reply]
"""Called with method, path and body, in the connection's own thread."""


_POLL_S = 0.1
"""How often the server looks whether it is to stop."""


class Server(socketserver.ThreadingTCPServer):
    """Answers on all addresses at `port`, in the background."""

    # Not HTTPServer: its bind looks the host's name up, which stalls where there is no DNS.
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, route: Route) -> None:
        super().__init__(("0.0.0.0", port), _handler(self, route))
        self._busy = 0
        self._changed = threading.Condition()
        threading.Thread(target=self.serve_forever, args=(_POLL_S,), daemon=True).start()
        log(f"listening on port {port}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is its own affair."""

    @contextmanager
    def request(self) -> Iterator[None]:
        """Counts a request as under way."""
        with self._changed:
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def drain(self) -> None:
        """Accept no more connections and wait until no request is under way."""
        self.shutdown()
        with self._changed:
            self._changed.wait_for(lambda: not self._busy)


def _handler(server: Server, route: Route) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body leave in one segment

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            """Quiet: what matters is logged where it is decided."""

        def _answer(self) -> None:
            with server.request():
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                reply = _guarded(route, self.command, self.path, content)
                body = json.dumps(reply.body, default=str).encode()
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()

    return Handler


def _guarded(route: Route, method: str, path: str, content: bytes) -> Reply:
    try:
        return route(method, path, content)
    except Exception as error:  # noqa: BLE001 - a bug; the client must learn that it isn't its own
        log(f"{method} {path}: {error!r}")
        return Reply(status=500, body={"error": "internal error"})


def serve_health(port: int, healthy: Callable[[], bool]) -> None:
    """GET /health alone."""
    Server(port, lambda method, path, _: health(method, path, healthy) or NOT_FOUND)


def health(method: str, path: str, healthy: Callable[[], bool]) -> Reply | None:
    """The answer to GET /health; None where something else was asked."""
    if (method, path) != ("GET", "/health"):
        return None
    good = healthy()
    return Reply(status=200 if good else 503, body={"healthy": good})


NOT_FOUND = Reply(status=404, body={"error": "no such thing here"})
