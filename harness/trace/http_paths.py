"""Paths of requests without what is in them of one request only."""

import re
from typing import NamedTuple

from harness.trace.aliases import is_unique_id

HELD_BY = ("x-correlation-id", "x-request-id", "idempotency-key")
"""Headers whose value may be the business key, the one that says it best first."""

_NUMBER = re.compile(r"[0-9]+")


class Path(NamedTuple):
    """`/orders/{}/cancel`, and what stood in the place of each `{}`."""

    template: str
    variable: tuple[str, ...]


def read_path(path: str, correlation: str | None) -> Path:
    """Numbers, UUIDs and the correlation id are variable."""
    variable: list[str] = []
    segments = path.split("/")
    for i, segment in enumerate(segments):
        is_key = segment and segment == correlation
        if is_key or _NUMBER.fullmatch(segment) or is_unique_id(segment):
            variable.append(segment)
            segments[i] = "{}"
    return Path("/".join(segments), tuple(variable))
