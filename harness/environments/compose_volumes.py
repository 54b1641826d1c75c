"""One entry of a compose service's `volumes`: short or long form, a path or a named volume."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from harness.environments import compose_values as values
from harness.environments.compose_attributes import only
from harness.environments.compose_yaml import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """`source` is a path where `bind`, else a volume's name, empty for an anonymous one."""

    source: str
    target: str
    read_only: bool
    bind: bool


def volume(item: Item) -> Volume:
    """The entry as written; whether its source exists is for the caller to see."""
    if isinstance(item.value, Mapping):
        return _long_volume(item)
    whole = values.text(item)
    parts = whole.split(":")
    if len(parts) > 3 or "" in parts:
        raise item.problem(f"is {whole[:60]!r}", "write SOURCE:TARGET or SOURCE:TARGET:ro")
    if len(parts) == 1:
        return Volume(source="", target=_target(item, parts[0]), read_only=False, bind=False)
    read_only = False
    for option in parts[2].split(",") if len(parts) == 3 else ():
        if option not in ("ro", "rw", "z", "Z"):
            raise item.problem(f"has the option {option[:60]!r}", "write ro or rw")
        read_only = read_only or option == "ro"
    return Volume(
        source=parts[0],
        target=_target(item, parts[1]),
        read_only=read_only,
        bind=parts[0].startswith((".", "/", "~")),
    )


def _long_volume(item: Item) -> Volume:
    fields = only(item, frozenset({"bind", "read_only", "source", "target", "type", "volume"}))
    if "type" not in fields or "target" not in fields:
        raise item.problem("lacks its type or target", "add type: bind and target: PATH")
    kind = values.text(fields["type"])
    if kind not in ("bind", "volume"):
        raise fields["type"].problem(f"is {kind[:60]!r}", "write bind or volume")
    source = values.text(fields["source"]) if "source" in fields else ""
    if kind == "bind" and not source:
        raise item.problem("has no source", "add source: PATH")
    if "bind" in fields:
        only(fields["bind"], frozenset({"create_host_path", "selinux"}))
    if "volume" in fields:
        only(fields["volume"], frozenset({"nocopy"}))
    read_only = values.boolean(fields["read_only"]) if "read_only" in fields else False
    return Volume(
        source=source,
        target=_target(fields["target"], values.text(fields["target"])),
        read_only=read_only,
        bind=kind == "bind",
    )


def _target(item: Item, target: str) -> str:
    normal = os.path.normpath(target)
    if not target.startswith("/") or normal.strip("/") == "":
        raise item.problem(f"has the target {target[:60]!r}", "write an absolute path below /")
    return normal
