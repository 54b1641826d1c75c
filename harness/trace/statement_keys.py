"""The business keys of statements: values of key columns, or of what stands for a key."""

from harness.trace.aliases import Aliases
from harness.trace.bounded import trim
from harness.trace.sql_forms import Forms, Known
from harness.trace.sql_single import single as single_of
from harness.trace.sql_values import Params, Read, template

_DASHES = 4
"""Of a unique id."""
_MOST_TEMPLATES = 1024
_LONGEST_CACHED = 4096
"""Longer texts have their values in them, and hardly ever come twice."""


class StatementKeys:
    """Reads statements of all connections; learns aliases from the rows that they insert."""

    __slots__ = ("_aliases", "_forms", "_key_columns", "_names", "_templates")

    def __init__(self, key_columns: frozenset[str], aliases: Aliases) -> None:
        self._key_columns = key_columns
        self._aliases = aliases
        self._templates: dict[str, Known] = {}
        self._forms = Forms(key_columns)
        self._names = tuple([name.lower() for name in key_columns])

    def keys(self, sql: str, params: Params) -> tuple[str, ...]:
        """The keys of what a statement writes, each once, sorted."""
        known = self._templates.get(sql)
        if known is None:
            if not self._may_have_keys(sql, params):
                return ()
            of_form = None if params else self._forms.read(sql)
            if of_form is None:
                known = self._template(sql)
            else:
                known, params = of_form
        found, single = known
        if single is not None:
            key = single.read(params)
            if key is not None:
                return (key,)
        rows, (named, ids) = found.read(params)
        if len(rows) == 1 and not named and len(rows[0].keys) == 1:
            key, row_ids = rows[0].keys[0], rows[0].ids
            if row_ids:
                self._aliases.learn(key, row_ids)
            return (key,)
        keys = set(named)
        for row in rows:
            keys |= self._of_row(row)
        return tuple(sorted(keys or self._aliases.keys(ids)))

    def _of_row(self, row: Read) -> set[str]:
        keys = set(row.keys)
        if len(keys) == 1:
            self._aliases.learn(row.keys[0], row.ids)
        return keys or self._aliases.keys(row.ids)

    def _may_have_keys(self, sql: str, params: Params) -> bool:
        """A glance at a text that was not read yet: it may be one of very many."""
        lower = sql.lower()
        for name in self._names:
            if name in lower:
                return True
        return len(self._aliases) > 0 and (len(params) > 0 or sql.count("-") >= _DASHES)

    def _template(self, sql: str) -> Known:
        read = template(sql, self._key_columns)
        found = read, single_of(read)
        if len(sql) <= _LONGEST_CACHED:
            self._templates[sql] = found
            trim(self._templates, _MOST_TEMPLATES)
        return found
