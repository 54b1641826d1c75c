"""One service of a compose file as a Node.

Reads attribute by attribute and collects every problem on the way. Looks at the disk only for the
build context, bind sources and env files, which must exist. Knows nothing of the other services.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from harness.environments import compose_fields as fields
from harness.environments import compose_values as values
from harness.environments.compose_attributes import BUILD_NO_EFFECT, only, unsupported
from harness.environments.compose_ports import exposed, ports
from harness.environments.compose_startup import dependencies, healthcheck
from harness.environments.compose_text import parse_env_file
from harness.environments.compose_volumes import Volume, volume
from harness.environments.compose_yaml import Item, Problem
from harness.model.system import Mount, Node, Role

T = TypeVar("T")

ROLE_LABEL = "aftershock.role"
IMAGES: Mapping[str, Role] = {
    "postgres": Role.POSTGRES,
    "mariadb": Role.MARIADB,
    "apache/kafka": Role.KAFKA,
    "confluentinc/cp-kafka": Role.KAFKA,
    "bitnami/kafka": Role.KAFKA,
    "quay.io/debezium/connect": Role.KAFKA_CONNECT,
    "debezium/connect": Role.KAFKA_CONNECT,
    "confluentinc/cp-kafka-connect": Role.KAFKA_CONNECT,
    "ghcr.io/shopify/toxiproxy": Role.TOXIPROXY,
    "shopify/toxiproxy": Role.TOXIPROXY,
}
"""Image names (without the default registry, tag and digest) → the role they play."""

_MAX_ENV_FILE_BYTES = 1 << 20


@dataclass(slots=True, kw_only=True)
class ServiceReader:
    """Reads one service's mapping; what it finds wrong gathers in `problems`."""

    item: Item
    name: str
    base: Path
    """The directory of the compose file: relative paths start there."""
    environ: Mapping[str, str]
    volumes: frozenset[str]
    """Named volumes declared at the top."""
    problems: list[Problem] = field(default_factory=list)
    scratch: dict[str, Item] = field(default_factory=dict)
    """Named volumes that this service mounts, where it does."""
    networks: dict[str, Item] = field(default_factory=dict)

    def node(self) -> Node | None:
        """The node, or None if the service is not even a mapping. With problems found, the node
        is a placeholder good for checks between services only."""
        if not isinstance(self.item.value, Mapping) or not self.item.value:
            self.problems.append(
                self.item.problem(f"is {_empty_or_kind(self.item)}", "give it an image or a build")
            )
            return None
        self.problems.extend(unsupported(self.item.value))
        self.networks = self._get("networks", fields.networks) or {}
        labels = self._get("labels", fields.labels) or {}
        image = self._get("image", values.text)
        grace_s = self._get("stop_grace_period", fields.grace)
        return Node(
            name=self.name,
            role=self._role(labels, image),
            image=image,
            build=self._get("build", self._build),
            command=self._get("command", values.argv) or (),
            entrypoint=self._get("entrypoint", values.argv) or (),
            working_dir=self._get("working_dir", fields.absolute),
            environment=self._environment(),
            ports=self._get("ports", ports) or (),
            expose=self._get("expose", exposed) or (),
            depends_on=self._get("depends_on", dependencies) or (),
            healthcheck=self._get("healthcheck", healthcheck),
            mounts=self._get("volumes", self._mounts) or (),
            labels=labels,
            profiles=self._get("profiles", fields.profiles) or (),
            hostname=self._get("hostname", fields.hostname),
            restart=self._get("restart", fields.restart) or "no",
            stop_signal=self._get("stop_signal", fields.signal_name) or "SIGTERM",
            stop_grace_s=10.0 if grace_s is None else grace_s,
        )

    def _attribute(self, name: str) -> Item | None:
        item = values.mapping(self.item).get(name)
        return None if item is None or item.value is None else item

    def _filled(self, name: str) -> bool:
        item = self._attribute(name)
        return item is not None and bool(item.value)

    def _get(self, name: str, read: Callable[[Item], T]) -> T | None:
        item = self._attribute(name)
        try:
            return None if item is None else read(item)
        except Problem as problem:
            self.problems.append(problem)
            return None

    def _role(self, labels: Mapping[str, str], image: str | None) -> Role:
        known = ", ".join(role.value for role in Role)
        if (said := labels.get(ROLE_LABEL)) is not None:
            for role in Role:
                if role.value == said:
                    return role
            item = values.mapping(self.item)["labels"]
            self.problems.append(
                item.problem(f"names the unknown role {said[:60]!r}", f"write one of: {known}")
            )
        elif image is not None and (found := IMAGES.get(image_name(image))) is not None:
            if (build := self._attribute("build")) is None:
                return found
            self.problems.append(
                build.problem(
                    f"builds what the image calls a {found.value}; natively only one of them runs",
                    f"remove build, or set the label {ROLE_LABEL}",
                )
            )
        elif not any(map(self._filled, ("build", "command", "entrypoint"))):
            self.problems.append(
                Problem(
                    self.item.line,
                    f"cannot tell the role of service {self.name}",
                    f"set the label {ROLE_LABEL} to one of: {known}",
                )
            )
        return Role.SERVICE

    def _environment(self) -> dict[str, str]:
        found = self._get("env_file", self._env_files) or {}
        for key, value in (self._get("environment", values.pairs) or {}).items():
            if value is not None:
                found[key] = value
            elif key in self.environ:
                found[key] = self.environ[key]
            else:  # as in Compose: a bare name that is not set here is not set in the node
                found.pop(key, None)
        return found

    def _env_files(self, item: Item) -> dict[str, str]:
        found: dict[str, str] = {}
        for child in item.value if isinstance(item.value, tuple) else (item,):
            required, where = True, child
            if isinstance(child.value, Mapping):
                entries = only(child, frozenset({"path", "required"}))
                if "path" not in entries:
                    raise child.problem("has no path", "add path: FILE")
                where = entries["path"]
                required = values.boolean(entries["required"]) if "required" in entries else True
            found |= self._env_file(where, required=required)
        return found

    def _env_file(self, item: Item, *, required: bool) -> dict[str, str]:
        path = self._path(values.text(item))
        if not required and not os.path.lexists(path):
            return {}
        text = read_text(path, item, most=_MAX_ENV_FILE_BYTES)
        return parse_env_file(text, self.environ, path=str(path))

    def _path(self, text: str) -> Path:
        if text == "~" or text.startswith("~/"):
            text = self.environ.get("HOME", "~") + text[1:]
        return Path(os.path.normpath(self.base / text))

    def _build(self, item: Item) -> Path:
        where = item
        if isinstance(item.value, Mapping):
            entries = only(item, BUILD_NO_EFFECT | {"context"})
            if "context" not in entries:
                raise item.problem("has no context", "add context: DIRECTORY")
            where = entries["context"]
        text = values.text(where)
        if "://" in text or text.startswith(("git@", "github.com/")):
            raise where.problem("is fetched from elsewhere", "name a directory on this machine")
        path = self._path(text)
        if not os.path.isdir(path):
            raise where.problem(
                f"names {path}, which is no directory", "create it or correct the path"
            )
        return path

    def _mounts(self, item: Item) -> tuple[Mount, ...]:
        mounts, targets = [], set()
        for child in values.sequence(item):
            entry = volume(child)
            if entry.target in targets:
                raise child.problem(f"mounts {entry.target} a second time", "keep one")
            targets.add(entry.target)
            if entry.bind:
                mounts.append(self._bind(child, entry))
            elif entry.source and entry.source not in self.volumes:
                raise child.problem(
                    f"names the volume {entry.source[:60]!r}, which is not declared",
                    f"declare it under the top-level volumes, or write ./{entry.source[:60]}",
                )
            elif entry.source:
                self.scratch[entry.source] = child
        return tuple(mounts)

    def _bind(self, item: Item, entry: Volume) -> Mount:
        path = self._path(entry.source)
        if not os.path.exists(path):
            raise item.problem(f"mounts {path}, which does not exist", "create it or correct it")
        return Mount(source=path, target=entry.target, read_only=entry.read_only)


def image_name(image: str) -> str:
    """An image's name without the default registry, tag and digest."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    name = head + slash + last.partition(":")[0]
    return name.removeprefix("docker.io/").removeprefix("library/")


def read_text(path: Path, item: Item, *, most: int) -> str:
    """The text of a regular UTF-8 file that `item` names. Raises Problem."""
    try:
        if not os.path.isfile(path):
            raise item.problem(f"names {path}, which is no file", "create it or correct the path")
        with open(path, "rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise item.problem(f"names {path}, which is larger than {most} bytes", "shorten it")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise item.problem(f"names {path}: {error.strerror}", "make it readable") from None
    except UnicodeDecodeError:
        raise item.problem(f"names {path}, which is not UTF-8", "save it as UTF-8") from None


def _empty_or_kind(item: Item) -> str:
    return "empty" if not item.value else f"{values.kind(item)}, not a mapping"
