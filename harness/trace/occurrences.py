"""Which one of its key an effect is: counted for each client, server, kind, detail and key."""

from collections.abc import Mapping

from harness.model.address import NO_KEY, Address
from harness.trace.bounded import trim

Place = tuple[str, str, str, tuple[str, ...]]
"""Client, server, kind and detail."""

_MOST_KEYS = 1_000_000
"""Of one place; beyond them the oldest are forgotten, and would be counted from 1 again."""


class _Counted:
    """One place."""

    __slots__ = ("by_key", "extra")

    def __init__(self) -> None:
        self.by_key: dict[str, int] = {}
        self.extra = 0
        """By how much the sum of the counts is more than the number of effects, because some have
        several keys."""


class Occurrences:
    """What was asked for so far."""

    __slots__ = ("_places",)

    def __init__(self) -> None:
        self._places: dict[Place, _Counted] = {}

    def addresses(
        self, place: Place, keys: tuple[str, ...], repeated: Mapping[str, int] | None = None
    ) -> tuple[Address, ...]:
        """The addresses of one more effect, one for each key, or one with the key `-`.

        `repeated` has the occurrences of keys where the effect was asked for before, and is asked
        for once more: that is no other occurrence.
        """
        counted = self._places.get(place)
        if counted is None:
            counted = self._places[place] = _Counted()
        if len(keys) > 1 and repeated is None:
            counted.extra += len(keys) - 1
        client, server, kind, detail = place
        by_key = counted.by_key
        found: list[Address] = []
        for key in keys or (NO_KEY,):
            occurrence = repeated.get(key) if repeated else None
            if occurrence is None:
                occurrence = by_key[key] = by_key.get(key, 0) + 1
            found.append(
                Address(
                    client=client,
                    server=server,
                    kind=kind,
                    detail=detail,
                    key=key,
                    occurrence=occurrence,
                )
            )
        trim(by_key, _MOST_KEYS)
        return tuple(found)

    def count(self, pattern: Address) -> int:
        """How many effects the pattern covers, its occurrence apart."""
        count = 0
        for (client, server, kind, detail), counted in self._places.items():
            place = Address(client=client, server=server, kind=kind, detail=detail, key=pattern.key)
            if not pattern.covers(place):
                continue
            if pattern.key is None:
                count += sum(counted.by_key.values()) - counted.extra
            else:
                count += counted.by_key.get(pattern.key, 0)
        return count
