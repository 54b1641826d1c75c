"""Synchronous calls to the other services, one after the other, inside the customer's own request.

This is what people write first, and it has what is wrong with it. A call that is not answered in
time is said again as a new event, which the other side's inbox can't recognise. What fails is
believed not to have happened, and only what had succeeded before it is undone, once.
"""

import http.client
from collections.abc import Sequence

from .events import Event
from .process import log

PARTICIPANTS = ("inventory", "payment", "shipping", "review", "notification")
TIMEOUT_S = 2.0
CORRELATION = "X-Correlation-Id"

Address = tuple[str, int]


class CallFailed(Exception):
    """Another service did not do its part: refused, silent, or answering an error."""


class Calls:
    """One event told to every participant."""

    def __init__(self, addresses: Sequence[Address], timeout_s: float = TIMEOUT_S) -> None:
        self._addresses = tuple(addresses)
        self._timeout_s = timeout_s

    def tell(self, event: Event) -> None:
        """All of them, in order. Raises CallFailed when one fails; those before it are undone."""
        done: list[Address] = []
        for address in self._addresses:
            try:
                self._call_twice(address, event)
            except CallFailed:
                self._undo(done, event)
                raise
            done.append(address)

    def _call_twice(self, address: Address, event: Event) -> None:
        try:
            self._call(address, event)
        except TimeoutError:
            log(f"order {event.order_id}: {address[0]} does not answer, once more")
            try:
                self._call(address, event.again())
            except TimeoutError as silent:
                raise CallFailed(f"{address[0]} does not answer") from silent

    def _undo(self, done: Sequence[Address], event: Event) -> None:
        for address in reversed(done):
            try:
                self._call_twice(address, event.undone())
            except CallFailed as error:
                log(f"order {event.order_id}: {event.type} stays as it is: {error}")

    def _call(self, address: Address, event: Event) -> None:
        """Raises TimeoutError, or CallFailed for everything else that is not 200."""
        connection = http.client.HTTPConnection(*address, timeout=self._timeout_s)
        headers = {"Content-Type": "application/json", CORRELATION: event.order_id}
        try:
            connection.request("POST", "/events", event.as_json(), headers)
            status = connection.getresponse().status
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise CallFailed(f"{address[0]}: {error!r}") from error
        finally:
            connection.close()
        if status != 200:
            raise CallFailed(f"{address[0]} answers {status}")
