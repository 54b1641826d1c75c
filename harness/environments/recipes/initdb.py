"""What the images of databases have in common: scripts that are run once, and what they make.

A data directory is made once for each content (credentials, scripts, version) and kept as a
template in the cache; a node starts from a copy.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from harness.environments.recipes.base import Site
from harness.errors import DeclarationError
from harness.model.system import Node

FOLDER = "/docker-entrypoint-initdb.d"


def scripts(node: Node) -> list[Path]:
    """The node's scripts in the order in which they are run. Raises DeclarationError for a mount
    that is none."""
    found: list[Path] = []
    for mount in node.mounts:
        target = mount.target.rstrip("/")
        if target == FOLDER and mount.source.is_dir():
            found.extend(mount.source.iterdir())
        elif os.path.dirname(target) == FOLDER:
            found.append(mount.source)
        else:
            raise DeclarationError(
                f"service {node.name}: volume target {mount.target} is not supported for role "
                f"{node.role.value}; only {FOLDER} is"
            )
    for path in found:
        if path.suffix != ".sql":
            raise DeclarationError(f"{path}: only .sql scripts are run natively; make it one")
    return sorted(found, key=lambda p: p.name)


def arguments(node: Node, program: str) -> tuple[str, ...]:
    """What the node's command gives the server, whose program it may name. Raises
    DeclarationError for another entrypoint."""
    if node.entrypoint:
        raise DeclarationError(
            f"service {node.name}: `entrypoint` is not supported for role {node.role.value}; "
            f"give server settings by `command: [{program}, …]`"
        )
    command = node.command
    return command[1:] if command and command[0] == program else command


async def lay_data(
    site: Site, parts: Iterable[str], make: Callable[[Site, Path], Awaitable[None]]
) -> Path:
    """The node's data directory, where it has none a copy of what `make` makes of its scripts
    and of all that `parts` tell of."""
    data = site.directory / "data"
    if not data.exists():
        template = await _template(site, parts, make)
        await asyncio.to_thread(shutil.copytree, template, data, symlinks=True)
    return data


async def _template(
    site: Site, parts: Iterable[str], make: Callable[[Site, Path], Awaitable[None]]
) -> Path:
    """The finished data directory for this content, made at most once."""
    name = f"{site.node.role.value}-{_digest(site.node, parts)}"
    template = site.toolchain.cache / "templates" / name
    if template.exists():
        return template
    template.parent.mkdir(parents=True, exist_ok=True)
    work = site.directory / "template"
    await make(site, work)
    moved = template.with_name(f".{template.name}.{os.getpid()}.{site.node.name}")
    await asyncio.to_thread(shutil.copytree, work, moved, symlinks=True)
    try:
        moved.rename(template)
    except OSError:  # another run was first: its content is the same
        shutil.rmtree(moved, ignore_errors=True)
    shutil.rmtree(work)
    return template


def _digest(node: Node, parts: Iterable[str]) -> str:
    mark = hashlib.sha256()
    for part in parts:
        mark.update(part.encode() + b"\0")
    for path in scripts(node):
        mark.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return mark.hexdigest()[:16]
