"""Attributes of a compose service that are one checked value each."""

import re
import signal
from collections.abc import Mapping

from harness.environments import compose_values as values
from harness.environments.compose_attributes import LABEL_PREFIX, LABELS, unknown
from harness.environments.compose_yaml import Item

_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_RESTARTS = ("no", "always", "on-failure", "unless-stopped")


def labels(item: Item) -> dict[str, str]:
    """Labels as text; ours (`aftershock.…`) must be known."""
    found = {key: value or "" for key, value in values.pairs(item).items()}
    for key in found:
        if key.startswith(LABEL_PREFIX) and key not in LABELS:
            raise unknown(item, key, LABELS)
    return found


def networks(item: Item) -> dict[str, Item]:
    """Network names, each with where it stands; options are refused."""
    if isinstance(item.value, Mapping):
        for name, child in item.value.items():
            if child.value is not None and child.value != {}:
                raise child.problem("has options", f"write {name[:60]} alone")
        return dict(item.value)
    return {values.text(child): child for child in values.sequence(item)}


def absolute(item: Item) -> str:
    """An absolute path in the node."""
    path = values.text(item)
    if not path.startswith("/"):
        raise item.problem(f"is {path[:60]!r}", "write an absolute path")
    return path


def hostname(item: Item) -> str:
    """One label of a host name (RFC 1123)."""
    name = values.text(item)
    if not _HOSTNAME.fullmatch(name):
        raise item.problem(f"is {name[:70]!r}", "use letters, digits and hyphens, 63 at most")
    return name


def restart(item: Item) -> str:
    """A restart policy; a limit on the number of restarts is refused."""
    said = "no" if item.value is False else values.text(item)
    if said not in _RESTARTS:
        raise item.problem(f"is {said[:60]!r}", f"write one of: {', '.join(_RESTARTS)}")
    return said


def signal_name(item: Item) -> str:
    """A signal by name, with or without SIG, or by number; returned as SIG…"""
    said = str(item.value) if isinstance(item.value, int) else values.text(item).upper()
    for known in signal.Signals:
        if said in (known.name, known.name.removeprefix("SIG"), str(known.value)):
            return known.name
    raise item.problem(f"is {said[:60]!r}", "write a signal such as SIGTERM")


def grace(item: Item) -> float:
    """Seconds, which may be none, between the stop signal and SIGKILL."""
    return values.seconds(item, positive=False)


def profiles(item: Item) -> tuple[str, ...]:
    """Profile names, each once."""
    found: list[str] = []
    for child in values.sequence(item):
        name = values.text(child)
        if not _PROFILE.fullmatch(name):
            raise child.problem(f"is {name[:60]!r}", "use letters, digits, - _ and .")
        if name not in found:
            found.append(name)
    return tuple(found)
