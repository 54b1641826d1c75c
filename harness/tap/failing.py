"""Servers that answer errors: on some links every HTTP request is answered here, and not forwarded.

A request is answered once it is whole, and its connection ends with the answer. One of which a part
had gone on before goes on. What a server had been asked before is answered by it.
"""

from collections.abc import Sequence

from harness.errors import DeclarationError
from harness.model.frame import Frame
from harness.tap.answers import error_answer
from harness.tap.flow import Flow
from harness.tap.relay import Link, Relay

Pair = tuple[str, str]
"""(client, server)"""


class Failing:
    """The links that fail, and how often each has."""

    def __init__(self) -> None:
        self._codes: dict[Pair, bytes] = {}
        self._answered: dict[Pair, int] = {}

    def begin(self, pair: Pair, code: str) -> None:
        """Answer this status on the link from now on. Raises DeclarationError for one that HTTP
        does not have."""
        self._codes[pair] = error_answer("http", code, b"", ends_connection=True)
        self._answered[pair] = 0

    def end(self, pair: Pair) -> int:
        """Forward again; returns how many requests were answered. Idempotent."""
        self._codes.pop(pair, None)
        return self._answered.get(pair, 0)

    def clear(self) -> None:
        """A new scenario."""
        self._codes.clear()
        self._answered.clear()

    def covers(self, link: Link) -> bool:
        """Whether requests on the link are to be read before they go on. Raises DeclarationError
        where it is to fail and does not speak HTTP."""
        failing = (link.client, link.server) in self._codes
        if failing and link.protocol != "http":
            raise DeclarationError(f"{link.client}→{link.server} does not speak HTTP")
        return failing

    def saw(self, relay: Relay, flow: Flow, frames: Sequence[Frame]) -> None:
        """Frames of a connection, before they go on."""
        pair = relay.link.client, relay.link.server
        told = self._codes.get(pair)
        if told is None or flow is not relay.up or relay.up.source is None:
            return
        if any(frame.kind == "http" and frame.first >= flow.sent for frame in frames):
            self._answered[pair] += 1
            relay.up.source.write(told)
            relay.drop()
            relay.close(reset=False)
