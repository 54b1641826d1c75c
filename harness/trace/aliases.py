"""Aliases of business keys: unique ids that were seen together with one key and stand for it.

An event's id, an outbox row's id: who has only that has the key through it. Only what looks like
a unique id is ever an alias, and an id that was seen with two keys stands for none.
"""

import re
from collections.abc import Iterable

from harness.trace.bounded import trim

MOST = 100_000
"""Ids that are remembered; the ones that were learnt longest ago are forgotten first."""

_UNIQUE = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_LENGTH = 36
_AMBIGUOUS = ""


def is_unique_id(text: str) -> bool:
    """Whether it looks like a UUID."""
    return len(text) == _LENGTH and _UNIQUE.fullmatch(text) is not None


class Aliases:
    """What stands for which key, as far as it was seen by now."""

    __slots__ = ("_keys", "_most")

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._keys: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def learn(self, key: str, values: Iterable[str]) -> None:
        """These were seen together with the key."""
        if is_unique_id(key):
            self._set(key.lower(), key)  # it is a key itself, and stands for no other
        for value in values:
            if value != key and is_unique_id(value):
                alias = value.lower()
                known = self._keys.get(alias)
                if known is None:
                    self._set(alias, key)
                elif known not in {key, value}:
                    self._set(alias, _AMBIGUOUS)

    def key(self, value: str) -> str | None:
        """The key that a value stands for, if it does."""
        if len(value) != _LENGTH:
            return None
        return self._keys.get(value.lower()) or None

    def keys(self, values: Iterable[str]) -> set[str]:
        """The keys that some of the values stand for."""
        found = {self.key(value) for value in values}
        return {key for key in found if key is not None}

    def _set(self, alias: str, key: str) -> None:
        self._keys.pop(alias, None)
        self._keys[alias] = key
        trim(self._keys, self._most)
