"""Rules between nodes in containers: laid by each node's sandbox, in the network that it holds."""

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar, cast

from harness.environments import nft
from harness.environments.docker.sandboxes import Sandbox
from harness.environments.rules import Pair, Rules

T = TypeVar("T")


class SandboxRules(Rules):
    """The rules of all nodes of one run. Blocking."""

    def __init__(
        self,
        sandboxes: Mapping[str, Sandbox],
        addresses: Mapping[str, str],
        taps: Mapping[Pair, str],
    ) -> None:
        super().__init__(taps)
        self._addresses.update(addresses)
        self._sandboxes = sandboxes

    def _at(self, node: str, act: "partial[T]") -> T:
        told: Any = self._sandboxes[node].ask(act.func.__name__, **act.keywords)
        if act.func is nft.counted:
            told = tuple(nft.Counted(packets=packets, bytes=size) for packets, size in told)
        return cast("T", told)

    def _sockets(self, node: str) -> list[str]:
        told: list[str] = self._sandboxes[node].ask("sockets")
        return told
