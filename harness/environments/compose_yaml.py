"""YAML text as a tree of items that know where they stand.

Every item carries its line (from 1) and its path in the document (`services.order.ports[0]`), so
that whatever is said about it can be looked up. Scalars follow YAML 1.2's core schema, as Compose
itself reads them: `no`, `on` and `22:22` are text. Duplicate keys, recursive aliases, foreign tags
and documents that grow without bound through aliases are refused. Knows nothing of Compose.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

MAX_ITEMS = 50_000
"""Items after aliases are followed; the largest compose files in public have a few thousand."""
MAX_DEPTH = 40
"""Nesting; Compose's own deepest attribute stands at about ten."""

_MAX_SAID = 400
_TAG = "tag:yaml.org,2002:"
_SIMPLE_KEY = re.compile(r"[A-Za-z0-9_./-]+", re.ASCII)

Scalar = None | bool | int | float | str


class Problem(Exception):
    """One thing wrong with a declaration: what, on which line, and what to do about it.

    `path` is the file where it stands if that isn't the compose file itself.
    """

    def __init__(self, line: int, what: str, todo: str, *, path: str | None = None) -> None:
        super().__init__(f"{_one_line(what)} ({_one_line(todo)})")
        self.line = line
        self.path = path


def _one_line(text: str) -> str:
    """For a message: input that is quoted in it may hold anything, at any length."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[: _MAX_SAID + 1])
    return shown if len(text) <= _MAX_SAID else shown[:_MAX_SAID] + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A value of the document. `line` is its key's where it has one, else its own."""

    line: int
    where: str
    value: "Scalar | tuple[Item, ...] | Mapping[str, Item]"
    text: str = ""
    """A scalar as written; empty for lists and mappings."""

    def problem(self, what: str, todo: str) -> Problem:
        """A problem with this item: `<where> <what>`."""
        return Problem(self.line, f"{self.where} {what}", todo)


class _Resolver(BaseResolver):
    """YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema) and the merge key."""


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
):
    _Resolver.add_implicit_resolver(
        _TAG + _name, re.compile(rf"(?:{_pattern})\Z", re.ASCII), _first
    )


class _Loader(Reader, Scanner, Parser, Composer, _Resolver):
    """PyYAML up to its node graph, which keeps the marks; the values are made here."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        _Resolver.__init__(self)


def parse(text: str) -> Item:
    """The one document in `text`. Raises Problem for anything that isn't one."""
    try:
        node = _Loader(text).get_single_node()
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise Problem(
            line, f"the character U+{code:04X} is not allowed in YAML", "remove it"
        ) from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_problem(error) from None
    except RecursionError:
        raise Problem(1, "the file is nested too deeply", "flatten it") from None
    except (ValueError, OverflowError):  # PyYAML on "\UFFFFFFFF" and on "%YAML 9999…"
        raise Problem(1, "not YAML: an escape or number is out of range", "correct it") from None
    if node is None:
        raise Problem(1, "the file is empty", "declare at least one service under services:")
    return _Builder().item(node, where="", line=_line(node), depth=0)


def _syntax_problem(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    said = " ".join(f"{error.context or ''} {error.problem or ''}".split())
    if "'\\t'" in said:
        return Problem(
            mark.line + 1 if mark else 1,
            "a tab is used for indentation, which YAML forbids",
            "use spaces",
        )
    return Problem(mark.line + 1 if mark else 1, f"not YAML: {said}", "correct the syntax")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Builder:
    """Turns PyYAML's node graph into a tree of items, aliases followed."""

    def __init__(self) -> None:
        self._count = 0
        self._open: set[int] = set()

    def item(self, node: yaml.Node, *, where: str, line: int, depth: int) -> Item:
        self._count += 1
        if self._count > MAX_ITEMS:
            raise Problem(line, f"more than {MAX_ITEMS} values", "use fewer aliases")
        if depth > MAX_DEPTH:
            raise Problem(line, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
        if isinstance(node, yaml.ScalarNode):
            return Item(line=line, where=where, value=_scalar(node), text=node.value)
        if id(node) in self._open:
            raise Problem(_line(node), "an alias contains itself", "remove the alias")
        self._open.add(id(node))
        try:
            return Item(line=line, where=where, value=self._collection(node, where, depth))
        finally:
            self._open.discard(id(node))

    def _collection(
        self, node: yaml.Node, where: str, depth: int
    ) -> "tuple[Item, ...] | Mapping[str, Item]":
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return tuple(
                self.item(child, where=f"{where}[{i}]", line=_line(child), depth=depth + 1)
                for i, child in enumerate(node.value)
            )
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, where, depth)
        raise Problem(_line(node), f"the tag {node.tag!r} is not supported", "remove the tag")

    def _mapping(self, node: yaml.MappingNode, where: str, depth: int) -> Mapping[str, Item]:
        own: dict[str, Item] = {}
        merged: dict[str, Item] = {}
        merges = 0
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                merges += 1
                if merges > 1:
                    raise Problem(
                        _line(key_node), "the key '<<' stands here twice", "write << : [*a, *b]"
                    )
                for part in self._merge_parts(value_node, where, _line(key_node), depth):
                    merged = {**part, **merged}
                continue
            key = _key(key_node)
            if key in own:
                raise Problem(
                    _line(key_node),
                    f"the key {key!r} stands here twice, first on line {own[key].line}",
                    "keep one",
                )
            own[key] = self.item(
                value_node, where=_join(where, key), line=_line(key_node), depth=depth + 1
            )
        return {**{k: v for k, v in merged.items() if k not in own}, **own}

    def _merge_parts(
        self, node: yaml.Node, where: str, line: int, depth: int
    ) -> Iterator[Mapping[str, Item]]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for part in parts:
            value = self.item(part, where=where, line=line, depth=depth + 1).value
            if not isinstance(value, Mapping):
                raise Problem(line, "'<<' merges what is no mapping", "merge mappings only")
            yield value


def _key(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode) and node.tag == _TAG + "str":
        return _clean(str(node.value), _line(node))
    said = repr(node.value) if isinstance(node, yaml.ScalarNode) else "a list or mapping"
    raise Problem(_line(node), f"the key {said} is not text", "put it in quotes")


def _join(where: str, key: str) -> str:
    shown = key if _SIMPLE_KEY.fullmatch(key) else repr(key[:60])
    return f"{where}.{shown}" if where else shown


def _scalar(node: yaml.ScalarNode) -> Scalar:
    text, kind = str(node.value), node.tag.removeprefix(_TAG)
    try:
        match kind:
            case "str" | "merge":
                return _clean(text, _line(node))
            case "null":
                return None
            case "bool":
                return _BOOLEANS[text.lower()]
            case "int":
                return _integer(text)
            case "float":
                return _float(text)
    except (KeyError, ValueError):
        raise Problem(
            _line(node), f"{text[:60]!r} is not a usable {kind}", "correct it, or put it in quotes"
        ) from None
    raise Problem(_line(node), f"the tag {node.tag!r} is not supported", "remove the tag")


_BOOLEANS = {"true": True, "false": False}


def _integer(text: str) -> int:
    if len(text) > 40:  # Python itself refuses beyond 4300 digits
        raise ValueError(text)
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text, base)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _clean(text: str, line: int) -> str:
    """No text of a compose file may hold what no process can be given: NUL, half a surrogate."""
    for character in text:
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise Problem(
                line, f"text holds the character U+{ord(character):04X}", "remove the escape"
            )
    return text
