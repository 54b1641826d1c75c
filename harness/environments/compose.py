"""A compose file (Compose specification) as the System under test.

What is supported is read, what matters to containers alone is accepted without effect (see
`compose_attributes`), and everything else is refused by name: never ignored. Whatever is wrong
with the file, one DeclarationError says `<file>:<line>: <what> (<what to do>)` about the first
problem and how many more there are. Nothing is started or changed here.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.environments import compose_checks as checks
from harness.environments import compose_values as values
from harness.environments.compose_attributes import only, unknown
from harness.environments.compose_service import ServiceReader, read_text
from harness.environments.compose_text import interpolated, parse_env_file
from harness.environments.compose_yaml import Item, Problem, parse
from harness.errors import DeclarationError
from harness.model.system import Node, System

MAX_BYTES = 4 << 20
"""No compose file comes near it; a device or a dump does."""

EXTENSION = "x-aftershock"
_TOP_READ = frozenset({"name", "services", "volumes", "networks", EXTENSION})
_TOP_NO_EFFECT = frozenset({"version"})  # obsolete in the specification
_TOP_REFUSED = {
    "configs": "pass the value by environment or a bind mount",
    "include": "put everything into one file",
    "models": "declare what it starts as a service",
    "secrets": "pass the value by environment or a bind mount",
}
_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
_SERVICE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", re.ASCII)


def read(path: Path, *, environ: Mapping[str, str]) -> System:
    """The system that a compose file declares. `environ`, over a `.env` file beside it, is what
    `${VAR}` means. Raises DeclarationError, and nothing else, for anything wrong with it."""
    try:
        text = _text(path)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise DeclarationError(f"{path}: cannot be read: {said} (check the path)") from None
    try:
        document = parse(text)
        absolute = Path(os.path.abspath(path))
        reader = _DocumentReader(document, absolute, _with_dot_env(absolute, environ))
        system = reader.system()
    except Problem as problem:
        raise _error(path, [problem]) from None
    if system is None or reader.problems:
        raise _error(path, reader.problems)
    return system


def _text(path: Path) -> str:
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise DeclarationError(f"{path}: is a directory (name the compose file in it)")
    if not stat.S_ISREG(mode):
        raise DeclarationError(f"{path}: is not a regular file (name a compose file)")
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise DeclarationError(
            f"{path}: is larger than {MAX_BYTES >> 20} MiB (name a compose file)"
        )
    try:
        return data.decode("utf-8-sig")  # a UTF-8 byte order mark is allowed in YAML
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = "UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "not UTF-8"
        raise DeclarationError(f"{path}:{line}: the text is {what} (save it as UTF-8)") from None


def _error(path: Path, problems: list[Problem]) -> DeclarationError:
    """The first problem in the file's order, and how many more there are."""
    first = min(problems, key=lambda p: p.line)
    more = len(problems) - 1
    also = f" (and {more} more problem{'s' if more > 1 else ''})" if more else ""
    return DeclarationError(f"{first.path or path}:{first.line}: {first}{also}")


def _with_dot_env(path: Path, environ: Mapping[str, str]) -> Mapping[str, str]:
    """`environ` over the variables of the `.env` file in the compose file's directory."""
    dot_env = path.parent / ".env"
    if not os.path.isfile(dot_env):
        return environ
    item = Item(line=1, where="the directory's .env file", value=None)
    text = read_text(dot_env, item, most=MAX_BYTES)
    return {**parse_env_file(text, environ, path=str(dot_env)), **environ}


class _DocumentReader:
    """Reads one document; what it finds wrong gathers in `problems`."""

    def __init__(self, document: Item, path: Path, environ: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._path = path
        self._environ = environ
        self._document = document
        self._readers: dict[str, ServiceReader] = {}

    def system(self) -> System | None:
        """The system, or None where problems leave none."""
        if not isinstance(self._document.value, Mapping):
            raise Problem(1, f"the file is {values.kind(self._document)}", "write services: …")
        top = self._top(self._document.value)
        self.problems.extend(_unsupported_top(top))
        if "services" not in top:
            raise Problem(1, "the file declares no services", "add services: …")
        volumes = self._declared(top.get("volumes"), frozenset({"driver", "labels", "name"}))
        networks = self._declared(top.get("networks"), frozenset({"driver", "labels", "name"}))
        nodes = self._nodes(top["services"], volumes)
        name = self._name(top.get("name"))
        extension = self._extension(top.get(EXTENSION))
        self.problems.extend(checks.check(nodes, self._line_of))
        self.problems.extend(checks.check_volumes(self._volume_users()))
        self.problems.extend(checks.check_networks(self._network_users(), networks))
        if self.problems:
            return None
        return System(
            name=name, path=self._path, nodes=tuple(nodes), extension=extension,
            volumes=tuple(sorted(volumes)),
        )  # fmt: skip

    def _top(self, fields: Mapping[str, Item]) -> Mapping[str, Item]:
        """The top-level entries, interpolated but for blocks that only anchors reach."""
        found = {}
        for name, item in fields.items():
            if name.startswith("x-") and name != EXTENSION:
                continue
            found[name] = interpolated(item, self._environ)
        return found

    def _declared(self, item: Item | None, known: frozenset[str]) -> frozenset[str]:
        """The names of the declared volumes or networks."""
        if item is None or item.value is None:
            return frozenset()
        try:
            for child in values.mapping(item).values():
                if child.value is not None:
                    _check_driver(only(child, known))
        except Problem as problem:
            self.problems.append(problem)
        return frozenset(item.value) if isinstance(item.value, Mapping) else frozenset()

    def _nodes(self, services: Item, volumes: frozenset[str]) -> list[Node]:
        if not services.value:
            raise services.problem("is empty", "declare at least one service")
        nodes = []
        for name, item in values.mapping(services).items():
            if not _SERVICE.fullmatch(name):
                self.problems.append(
                    item.problem(
                        f"is no usable name: {name[:60]!r}",
                        "use letters, digits, - _ and ., at most 63",
                    )
                )
            reader = ServiceReader(
                item=item,
                name=name,
                base=self._path.parent,
                environ=self._environ,
                volumes=volumes,
            )
            self._readers[name] = reader
            node = reader.node()
            self.problems.extend(reader.problems)
            if node is not None:
                nodes.append(node)
        return nodes

    def _name(self, item: Item | None) -> str:
        if item is None:
            own = re.sub(r"[^a-z0-9_-]", "", self._path.parent.name.lower()).lstrip("_-")
            return own or "system"
        try:
            name = values.text(item)
            if not _PROJECT.fullmatch(name):
                raise item.problem(f"is {name[:60]!r}", "use lower-case letters, digits, - and _")
            return name
        except Problem as problem:
            self.problems.append(problem)
            return ""

    def _extension(self, item: Item | None) -> Mapping[str, Any]:
        if item is None or item.value is None:
            return {}
        try:
            return {key: values.plain(child) for key, child in values.mapping(item).items()}
        except Problem as problem:
            self.problems.append(problem)
            return {}

    def _line_of(self, service: str, attribute: str) -> int:
        item = self._readers[service].item
        fields = item.value if isinstance(item.value, Mapping) else {}
        return fields.get(attribute, item).line

    def _volume_users(self) -> dict[str, list[tuple[str, Item]]]:
        users: dict[str, list[tuple[str, Item]]] = {}
        for name, reader in self._readers.items():
            for volume, item in reader.scratch.items():
                users.setdefault(volume, []).append((name, item))
        return users

    def _network_users(self) -> dict[str, tuple[str, int]]:
        users: dict[str, tuple[str, int]] = {}
        for name, reader in self._readers.items():
            if not reader.networks:
                users.setdefault("default", (name, reader.item.line))
            for network, item in reader.networks.items():
                users.setdefault(network, (name, item.line))
        return users


def _unsupported_top(fields: Mapping[str, Item]) -> Iterator[Problem]:
    for name, item in fields.items():
        if name in _TOP_READ or name in _TOP_NO_EFFECT:
            continue
        if name in _TOP_REFUSED:
            yield item.problem("is not supported", _TOP_REFUSED[name])
        else:
            yield unknown(item, name, _TOP_READ)


def _check_driver(fields: Mapping[str, Item]) -> None:
    if "driver" in fields and values.text(fields["driver"]) not in ("bridge", "local"):
        raise fields["driver"].problem("is not supported", "remove it")
