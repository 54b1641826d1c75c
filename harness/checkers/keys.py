"""Business keys in the order people expect, and in as few words as they need."""

import re
from collections.abc import Iterable, Sequence

_DIGITS = re.compile(r"(\d+)", re.ASCII)
_SHOWN = 5


def sort_keys(keys: Iterable[str]) -> tuple[str, ...]:
    """Each key once; runs of digits compare as numbers: 2 before 10, `o-9` before `o-10`."""
    return tuple(sorted(set(keys), key=_natural))


def in_words(keys: Sequence[str], shown: int = _SHOWN) -> str:
    """`1`, `1 and 2`, `1, 2, 3, 4, 5 and 12 more`."""
    named = list(keys[:shown])
    if len(keys) > shown:
        return f"{', '.join(named)} and {len(keys) - shown:,} more"
    if len(named) < 2:
        return "".join(named)
    return f"{', '.join(named[:-1])} and {named[-1]}"


def _natural(key: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    parts = (part for part in _DIGITS.split(key) if part)
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts), key
