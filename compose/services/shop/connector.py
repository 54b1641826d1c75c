"""Somebody has to look after a connector: Kafka Connect starts no task again that has failed.

Debezium starts its task anew by itself when its connection breaks while it streams; when the new one
breaks while the task is starting, the task has failed for good. So the owner of the outbox looks at its
connector now and then, and has what has failed started again.
"""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from .process import log

EVERY_S = 1.0
_TIMEOUT_S = 2.0
_FAILED = "FAILED"


class Connector:
    """One connector of a Connect worker."""

    def __init__(self, name: str, host: str = "connect", port: int = 8083) -> None:
        self._name = name
        self._address = (host, port)

    def watch(self, stop: threading.Event, every_s: float = EVERY_S) -> None:
        """Look until `stop`; a worker out of reach is asked again at the next look."""
        while not stop.wait(every_s):
            try:
                self.mend()
            except (OSError, http.client.HTTPException, ValueError) as error:
                log(f"connector {self._name}: {type(error).__name__}: {error}")

    def mend(self) -> None:
        """Have started again what has failed. Raises OSError, HTTPException, or ValueError for an
        answer that is no JSON."""
        status, told = self._ask("GET", f"/connectors/{self._name}/status")
        if status != http.client.OK:
            return  # not there yet, or the worker is being started
        for what, path in self._failed(told):
            answered, _ = self._ask("POST", path)
            log(f"{what} has failed; asked to start it again: {answered}")

    def _failed(self, told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """What it is, and what to post to."""
        base = f"/connectors/{self._name}"
        if told["connector"]["state"] == _FAILED:
            yield f"connector {self._name}", f"{base}/restart"
        for task in told["tasks"]:
            if task["state"] == _FAILED:
                yield f"task {task['id']} of {self._name}", f"{base}/tasks/{task['id']}/restart"

    def _ask(self, method: str, path: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(*self._address, timeout=_TIMEOUT_S)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text else None
