"""Statements of which one value is the only key: most of those that write. They are read for every
message that passes, and what there is to know of them fits into a pair."""

from typing import NamedTuple

from harness.trace import values
from harness.trace.sql_values import Params, Template, Value

_ID_LENGTHS = frozenset({16, 36})
"""Of a unique id, in binary and in text."""


class Single(NamedTuple):
    """Where the key stands, and which parameters of the same row may be unique ids."""

    key: Value
    others: tuple[int, ...]

    def read(self, params: Params) -> str | None:
        """The key, if there is nothing in the statement but it; None: the template has to say."""
        (param, text, _), others = self
        count = len(params)
        for other in others:
            if other < count:
                given = params[other]
                if given is not None and len(given) in _ID_LENGTHS:
                    return None
        if param < 0:
            return values.of_param(text) or None
        return (values.of_param(params[param]) or None) if param < count else None


def single(template: Template) -> Single | None:
    """None: the statement may have more keys than one, or ids that stand in its text."""
    rows, spread, (equalled, _) = template
    if spread or len(rows) + len(equalled) != 1:
        return None
    keys, others = rows[0] if rows else (equalled, ())
    if len(keys) != 1 or keys[0].is_array or any(value.param < 0 for value in others):
        return None
    return Single(keys[0], tuple([value.param for value in others]))
