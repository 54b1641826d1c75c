"""The images of ours: what each is built from, and the name that tells its content.

An image is a folder of `compose/images` with a Dockerfile, and what of the pinned toolchain is put
beside it. Its content (those files, what it is built upon, the digests of the toolchain's lock) has
a digest; an image that carries the same one as a label is there already.
"""

import hashlib
import os
import re
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from harness.environments import nodejs
from harness.errors import MachineUnfit
from harness.model.system import Node, Role, System
from harness.toolchain import Toolchain

CONTENT_LABEL = "aftershock.content"
DEBIAN = "aftershock/debian:bookworm"
PYTHON = "aftershock/python:3.11"
OFFICIAL_PYTHON = "python:3.12-slim"
NODE = "aftershock/node:24"
OFFICIAL_NODE = "node:24-slim"
BASES: Mapping[str, str] = {OFFICIAL_PYTHON: PYTHON, OFFICIAL_NODE: NODE}
"""What a service's Dockerfile asks to be built upon → the image that is taken where that one is not on
this machine."""
SANDBOX = f"aftershock/sandbox:{version('aftershock')}"
STAND_INS: Mapping[Role, str] = {
    Role.POSTGRES: "aftershock/postgres:18",
    Role.MARIADB: "aftershock/mariadb:11.4",
    Role.KAFKA: "aftershock/kafka:4.3.1",
    Role.KAFKA_CONNECT: "aftershock/connect:3.7",
}
"""Role → the image that is run where the compose file's own is not on this machine."""

OFFICIAL_TOXIPROXY = "ghcr.io/shopify/toxiproxy:2.5.0"
TOXIPROXY = "aftershock/toxiproxy:2.5.0"
TOXIPROXY_VARIABLE = "TOXIPROXY_IMAGE"
"""Names another image than the official one."""

PACKAGES = (
    "python3", "python3-pip", "postgresql-client-15", "netcat-openbsd", "curl", "ca-certificates",
)  # fmt: skip
"""What the base has beside Debian's own minimum: what entrypoints and health checks call."""
_ROOTS = (Path(__file__).parents[3] / "compose", Path(__file__).parents[2] / "_bundled" / "compose")
_ASKS = re.compile(r"^ARG BASE=(\S+)[ \t]*$", re.MULTILINE)
_MARIADB_SETUP = Path(__file__).parents[1] / "recipes" / "mariadb_setup.py"
"""By its path: the driver that it imports is nothing that `aftershock doctor` needs."""
LEFT_OUT = frozenset({"__pycache__", "node_modules", ".git"})
"""Of a folder of sources: what builds and tools have left there."""
_NO_PART = frozenset({"__pycache__"})
"""Of what is put beside one."""
_BIG = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image to build. `parts`: path in the build context → the file or folder put there."""

    tag: str
    folder: Path
    parts: Mapping[str, Path]
    upon: str
    """The image that its Dockerfile begins with, given to it as BASE."""

    def files(self) -> Iterator[tuple[str, Path]]:
        """(path in the context, file) of everything that the build is given, sorted."""
        own = {p.name: p for p in self.folder.iterdir() if p.name not in LEFT_OUT}
        for name, root in sorted({**own, **self.parts}.items()):
            yield from files({name: root}, _NO_PART if name in self.parts else LEFT_OUT)


def folder(name: str) -> Path:
    """A folder of `compose/images`."""
    root = next((root for root in _ROOTS if (root / "images").is_dir()), _ROOTS[0])
    return root / "images" / name


def stand_ins(toolchain: Toolchain, roles: frozenset[Role]) -> tuple[Image, ...]:
    """The images of these roles' servers, as far as there is a stand-in for one."""
    java = {"java": toolchain.java.parents[1]}
    plugin = next(iter(sorted(toolchain.plugin_dir.iterdir())))
    parts: dict[Role, tuple[str, dict[str, Path]]] = {
        Role.POSTGRES: ("postgres", {"server": toolchain.postgres_home}),
        Role.MARIADB: (
            "mariadb",
            {
                "server": toolchain.mariadb_home,
                "packages/pymysql": _installed("pymysql"),
                "packages/mariadb_setup.py": _MARIADB_SETUP,
            },
        ),
        Role.KAFKA: ("kafka", java | _jars("libs", toolchain.kafka_classpath)),
        Role.KAFKA_CONNECT: (
            "connect",
            java
            | _jars("libs", toolchain.connect_classpath)
            | {f"connect/{plugin.name}": plugin, "log4j2.properties": toolchain.log4j_config},
        ),
    }
    return tuple(
        Image(tag=STAND_INS[role], folder=folder(name), parts=given, upon=DEBIAN)
        for role, (name, given) in parts.items()
        if role in roles
    )


def python_stand_in() -> Image:
    """Debian's Python under the official image's names: services are built upon it."""
    return Image(tag=PYTHON, folder=folder("python"), parts={}, upon=DEBIAN)


def node_stand_in() -> Image:
    """Node.js as this machine has it, of its package. Raises MachineUnfit where it is not installed."""
    home = nodejs.home()
    if home is None:
        raise MachineUnfit(f"{NODE} is made of Node.js: {nodejs.EXTRA}")
    npm, version_h = "lib/node_modules/npm", "include/node/node_version.h"
    parts = {f"node/{part}": home / part for part in ("bin/node", npm, version_h)}
    return Image(tag=NODE, folder=folder("node"), parts=parts, upon=DEBIAN)


def base_stand_in(tag: str) -> Image:
    """That of a base. Raises MachineUnfit where it cannot be had on this machine."""
    return node_stand_in() if tag == NODE else python_stand_in()


def toxiproxy_stand_in(server: Path) -> Image:
    """Toxiproxy's server."""
    parts = {"toxiproxy": server}
    return Image(tag=TOXIPROXY, folder=folder("toxiproxy"), parts=parts, upon=DEBIAN)


def official_toxiproxy(environ: Mapping[str, str]) -> str:
    """The image that is wanted before its stand-in."""
    return environ.get(TOXIPROXY_VARIABLE) or OFFICIAL_TOXIPROXY


def toxiproxy(local: frozenset[str], environ: Mapping[str, str]) -> str | None:
    """The image to run Toxiproxy from, of those on this machine; None where there is none."""
    wanted = (official_toxiproxy(environ), TOXIPROXY)
    return next((name for name in wanted if name in local), None)


def sandbox_image(base: str) -> Image:
    """The container that holds a node's network: this package and pyroute2, nothing else."""
    ours = Path(__file__).parents[2]
    parts = {"packages/pyroute2": _installed("pyroute2"), "packages/harness": ours}
    return Image(tag=SANDBOX, folder=folder("sandbox"), parts=parts, upon=base)


def service_image(context: Path, base: str) -> Image:
    """A service, by its own Dockerfile. Its tag tells its content, so that what is run is what the
    folder holds."""
    image = Image(tag="", folder=context, parts={}, upon=base)
    name = "".join(c for c in context.name.lower() if c.isalnum() or c == "-") or "service"
    return Image(
        tag=f"aftershock/{name}:{digest(image, '')[:16]}", folder=context, parts={}, upon=base
    )


def contexts(system: System) -> tuple[Path, ...]:
    """The build contexts of the system's services, each once, in file order."""
    return tuple(dict.fromkeys(n.build for n in system.nodes if n.build is not None))


def base_asked(context: Path | None) -> str | None:
    """The base that a service's Dockerfile asks for, by its line `ARG BASE=`; None where there is no
    such line."""
    try:
        text = (context / "Dockerfile").read_text(encoding="utf-8") if context else ""
    except OSError:
        return None
    found = _ASKS.search(text)
    return None if found is None else found[1]


def base_of(asked: str, local: frozenset[str]) -> str:
    """The base that is taken: the one that is asked for, if it is on this machine, before its
    stand-in."""
    return asked if asked in local else BASES[asked]


def digest(image: Image, upon: str) -> str:
    """What the image is made of; `upon`: the same of the image below it."""
    mark = hashlib.sha256(f"{image.upon}\0{upon}\0".encode())
    for name, path in image.files():
        size = path.lstat().st_size
        mark.update(f"{name}\0{size}\0{os.access(path, os.X_OK)}\0".encode())
        if path.is_symlink():
            mark.update(os.readlink(path).encode())
        elif size < _BIG:  # the rest is the toolchain's, verified against its lock and never edited
            mark.update(path.read_bytes())
    return mark.hexdigest()


def files(
    context: Mapping[str, Path], left_out: frozenset[str] = _NO_PART
) -> Iterator[tuple[str, Path]]:
    """(path in the context, file) of everything in it, sorted, without what lies in a folder of one of
    these names."""
    for name, root in sorted(context.items()):
        if not root.is_dir():
            yield name, root
            continue
        for path in sorted(root.rglob("*")):
            inner = path.relative_to(root)
            if (path.is_file() or path.is_symlink()) and not left_out & set(inner.parts):
                yield f"{name}/{inner}", path


def image_of(node: Node, local: frozenset[str]) -> str | None:
    """The image to run a server from, of those on this machine: the compose file's own before its
    stand-in. None where there is neither."""
    wanted = (node.image, STAND_INS.get(node.role))
    return next((name for name in wanted if name is not None and name in local), None)


def built_service(node: Node, local: frozenset[str]) -> str | None:
    """The image of a service as its build context is now, of those on this machine; of one without
    a context the compose file's own."""
    if node.build is None:
        return node.image if node.image in local else None
    asked = base_asked(node.build)
    if asked is None or asked not in BASES:
        return None
    tags = (service_image(node.build, base).tag for base in (asked, BASES[asked]))
    return next((tag for tag in tags if tag in local), None)


def _jars(place: str, classpath: tuple[Path, ...]) -> dict[str, Path]:
    return {f"{place}/{jar.name}": jar for jar in classpath}


def _installed(package: str) -> Path:
    """Where a package of the harness's own environment is, pure Python as it is."""
    return Path(sysconfig.get_paths()["purelib"], package)
