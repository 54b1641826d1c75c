"""Items as the values that Compose's attributes take: text, lists, switches, durations, argv.

Each function takes an item and returns a plain value or raises Problem naming the item, its line
and the form expected. Knows no attribute by name.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from harness.environments.compose_yaml import Item

_DURATION = re.compile(r"(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", re.ASCII)
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST_S = 7 * 86400.0
"""A week: longer waits are typing errors."""


def kind(item: Item) -> str:
    """What an item is, in words."""
    match item.value:
        case None:
            return "nothing"
        case bool():
            return f"the switch {item.text}"
        case int() | float():
            return f"the number {item.text[:60]}"
        case str():
            return f"the text {item.value[:60]!r}"
        case tuple():
            return "a list"
        case _:
            return "a mapping"


def mapping(item: Item) -> Mapping[str, Item]:
    """The entries of a mapping."""
    if isinstance(item.value, Mapping):
        return item.value
    raise item.problem(f"is {kind(item)}, not a mapping", "write name: value lines")


def sequence(item: Item) -> tuple[Item, ...]:
    """The elements of a list."""
    if isinstance(item.value, tuple):
        return item.value
    raise item.problem(f"is {kind(item)}, not a list", "write a list")


def text(item: Item) -> str:
    """Text that isn't empty."""
    if not isinstance(item.value, str):
        raise item.problem(f"is {kind(item)}, not text", "put it in quotes")
    if not item.value:
        raise item.problem("is empty", "give it a value or remove it")
    return item.value


def any_text(item: Item) -> str:
    """Text, which may be empty."""
    return "" if item.value == "" else text(item)


def loose_text(item: Item) -> str:
    """Text, or a number or switch that reads the same however it is parsed: `8080`, `true`.

    `1.10`, `0777` or `0x1F` would reach the process as another text than the one written.
    """
    value = item.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if str(value) != item.text:
            raise item.problem(
                f"is the number {item.text[:60]}, which YAML reads as {value}", "put it in quotes"
            )
        return item.text
    return any_text(item)


def boolean(item: Item) -> bool:
    """True or false, also as text (an interpolated variable is text)."""
    if isinstance(item.value, bool):
        return item.value
    if isinstance(item.value, str) and item.value.lower() in ("true", "false"):
        return item.value.lower() == "true"
    raise item.problem(f"is {kind(item)}, not true or false", "write true or false")


def integer(item: Item, *, least: int, most: int) -> int:
    """A whole number within bounds, also as text."""
    value = item.value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise item.problem(f"is {kind(item)}, not a whole number", "write a number")
    if not least <= value <= most:
        raise item.problem(f"is {value}", f"write a number from {least} to {most}")
    return value


def seconds(item: Item, *, positive: bool) -> float:
    """A duration such as `1m30s` or `500ms`, in seconds."""
    value = item.value
    if value == "0" or (value == 0 and isinstance(value, int) and not isinstance(value, bool)):
        value = "0s"
    if not isinstance(value, str) or not _DURATION.fullmatch(value) or len(value) > 60:
        raise item.problem(f"is {kind(item)}, not a duration", "write one such as 1m30s or 500ms")
    total = sum(float(n) * _UNITS_S[unit] for n, unit in _DURATION_PART.findall(value))
    if positive and total <= 0:
        raise item.problem("is no time at all", "write a duration above 0s")
    if total > _LONGEST_S:
        raise item.problem(f"is {value}, longer than a week", "write a shorter duration")
    return total


def texts(item: Item) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(any_text(child) for child in sequence(item))


def argv(item: Item) -> tuple[str, ...]:
    """A command: a list as it is, text split as a shell would, without a shell's expansions."""
    if isinstance(item.value, tuple):
        return texts(item)
    if not isinstance(item.value, str):
        raise item.problem(f"is {kind(item)}, not a command", "write text or a list of texts")
    try:
        return tuple(shlex.split(item.value))
    except ValueError as error:
        raise item.problem(
            f"cannot be split into words: {str(error).lower()}", "close it, or write a list"
        ) from None


def pairs(item: Item) -> dict[str, str | None]:
    """`KEY: value` lines or a list of `KEY=value`; None where a key stands alone."""
    found: dict[str, str | None] = {}
    if isinstance(item.value, Mapping):
        for key, child in item.value.items():
            _check_key(child, key)
            found[key] = None if child.value is None else loose_text(child)
        return found
    if not isinstance(item.value, tuple):
        raise item.problem(f"is {kind(item)}", "write a mapping or a list of KEY=value")
    for child in item.value:
        key, equals, value = text(child).partition("=")
        _check_key(child, key)
        if key in found:
            raise child.problem(f"sets {key} a second time", "keep one")
        found[key] = value if equals else None
    return found


def _check_key(item: Item, key: str) -> None:
    if not key.strip() or "=" in key:
        raise item.problem(f"has {key[:60]!r} for a name", "write a name without =")


def plain(item: Item) -> Any:
    """The item as Python's own values, JSON-serialisable, without lines."""
    if isinstance(item.value, tuple):
        return [plain(child) for child in item.value]
    if isinstance(item.value, Mapping):
        return {key: plain(child) for key, child in item.value.items()}
    return item.value
