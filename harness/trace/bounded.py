"""Memory that does not grow: of too many entries the oldest are forgotten, many at once.

One at a time would be slow: a dict's first key is found by passing all that were deleted before it.
"""

from itertools import islice
from typing import Any


def trim(entries: dict[Any, Any], most: int) -> None:
    """Of more than `most` entries the oldest quarter goes."""
    if len(entries) > most:
        for key in list(islice(entries, most // 4 + 1)):
            del entries[key]
