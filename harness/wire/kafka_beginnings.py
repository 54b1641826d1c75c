"""What messages begin with that come again and again, and what that says.

A producer's requests to a partition differ in their correlation id and in what follows the
partition's number; what stands between the two takes most of the time that reading one takes.
"""

from typing import Generic, TypeVar

_MOST_LENGTHS = 4
_MOST_KNOWN = 256
_LONGEST = 512

V = TypeVar("V")


class Beginnings(Generic[V]):
    """Bytes → value, of a few lengths. Of too many all are forgotten."""

    __slots__ = ("_known", "_lengths")

    def __init__(self) -> None:
        self._known: dict[bytes, V] = {}
        self._lengths: list[int] = []

    def find(self, data: bytes, at: int, stop: int) -> tuple[V, int] | None:
        """What data[at:stop] begins with, and where that ends."""
        for length in self._lengths:
            after = at + length
            value = self._known.get(data[at:after])
            if value is not None and after <= stop:
                return value, after
        return None

    def learn(self, data: bytes, at: int, after: int, value: V) -> None:
        """Know data[at:after] from now on."""
        length = after - at
        if length > _LONGEST:
            return
        if length not in self._lengths:
            if len(self._lengths) >= _MOST_LENGTHS:
                self._lengths.clear()
                self._known.clear()
            self._lengths.append(length)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[data[at:after]] = value
