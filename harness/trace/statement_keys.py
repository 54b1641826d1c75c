"""The business keys of statements: values of key columns, or of what stands for a key."""

import re

from harness.trace.aliases import Aliases
from harness.trace.bounded import trim
from harness.trace.sql_values import Params, Template, template

_NONE: frozenset[str] = frozenset()
_DASHES = 4
"""Of a unique id."""
_MOST_TEMPLATES = 1024
_LONGEST_CACHED = 4096
"""Longer texts have their values in them, and hardly ever come twice."""


class StatementKeys:
    """Reads statements of all connections; learns aliases from the rows that they insert."""

    __slots__ = ("_aliases", "_key_columns", "_named", "_templates")

    def __init__(self, key_columns: frozenset[str], aliases: Aliases) -> None:
        self._key_columns = key_columns
        self._aliases = aliases
        self._templates: dict[str, Template] = {}
        names = "|".join(map(re.escape, sorted(key_columns)))
        self._named = re.compile(names, re.IGNORECASE) if names else None

    def keys(self, sql: str, params: Params) -> frozenset[str]:
        """The keys of what a statement writes."""
        found = self._templates.get(sql)
        if found is None:
            if not self._may_have_keys(sql, params):
                return _NONE
            found = self._template(sql)
        keys: set[str] = set()
        for row_keys, others in found.read_rows(params):
            keys.update(row_keys)
            if not row_keys:
                keys |= self._aliases.keys(others)
            elif len(set(row_keys)) == 1:
                self._aliases.learn(row_keys[0], others)
        named, others = found.read_conditions(params)
        keys.update(named)
        return frozenset(keys or self._aliases.keys(others))

    def _may_have_keys(self, sql: str, params: Params) -> bool:
        """A glance at a text that was not read yet: it may be one of very many."""
        if self._named is not None and self._named.search(sql):
            return True
        return len(self._aliases) > 0 and (len(params) > 0 or sql.count("-") >= _DASHES)

    def _template(self, sql: str) -> Template:
        found = template(sql, self._key_columns)
        if len(sql) <= _LONGEST_CACHED:
            self._templates[sql] = found
            trim(self._templates, _MOST_TEMPLATES)
        return found
