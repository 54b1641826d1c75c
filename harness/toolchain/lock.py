"""The lock: every artifact of the toolchain by coordinate, size and SHA-256.

Promises that nothing is fetched or run that the lock does not name. Does not know where an
artifact comes from, nor how it was resolved: `scripts/lock_toolchain.py` writes the lock.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from harness.errors import HarnessBug

SCHEMA = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
# A part of a coordinate ends up in a file name; a slash or a leading dot must not.
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedArtifact:
    """One file of a Maven repository. `size` in bytes, `sha256` in lower-case hexadecimal."""

    coordinate: str
    """group:artifact:version:packaging[:classifier]"""
    size: int
    sha256: str

    def __post_init__(self) -> None:
        parts = self.coordinate.split(":")
        if len(parts) not in (4, 5) or not all(_PART.fullmatch(part) for part in parts):
            raise HarnessBug(f"toolchain lock: {self.coordinate!r} is not a Maven coordinate")
        if self.size <= 0:
            raise HarnessBug(f"toolchain lock: {self.coordinate} has the size {self.size}")
        if not _SHA256.fullmatch(self.sha256):
            raise HarnessBug(f"toolchain lock: {self.coordinate} has no SHA-256")

    @property
    def filename(self) -> str:
        """artifact-version[-classifier].packaging, as Maven names it."""
        _, artifact, version, packaging, *classifier = self.coordinate.split(":")
        return "-".join([artifact, version, *classifier]) + f".{packaging}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The artifacts of each component in class path order, and the digest of it all."""

    components: Mapping[str, tuple[LockedArtifact, ...]]
    digest: str
    """16 hexadecimal digits that change with any coordinate, size or SHA-256."""

    def artifacts(self, component: str) -> tuple[LockedArtifact, ...]:
        """What the component consists of."""
        try:
            return self.components[component]
        except KeyError:
            raise HarnessBug(f"toolchain lock: no component {component!r}") from None


@cache
def shipped_lock() -> Lock:
    """The lock that this installation of aftershock carries."""
    return parse_lock(resources.files(__package__).joinpath("lock.json").read_text("utf-8"))


def parse_lock(text: str) -> Lock:
    """Reads a lock. HarnessBug where it does not hold together: it is ours, not the user's."""
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise HarnessBug(f"toolchain lock: schema {document['schema']}, expected {SCHEMA}")
        components = {
            str(name): tuple(LockedArtifact(**entry) for entry in component["artifacts"])
            for name, component in document["components"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HarnessBug(f"toolchain lock: cannot be read ({error!r})") from error
    _refuse_contradictions(components)
    return Lock(components=components, digest=_digest(components))


def _refuse_contradictions(components: Mapping[str, tuple[LockedArtifact, ...]]) -> None:
    """Two components may share an artifact, but a file name stands for one content only."""
    seen: dict[str, LockedArtifact] = {}
    for name, artifacts in components.items():
        if not artifacts:
            raise HarnessBug(f"toolchain lock: component {name!r} is empty")
        for artifact in artifacts:
            known = seen.setdefault(artifact.filename, artifact)
            if known != artifact:
                raise HarnessBug(
                    f"toolchain lock: {known.coordinate} and {artifact.coordinate} "
                    f"claim the same file {artifact.filename} with different content"
                )


def _digest(components: Mapping[str, tuple[LockedArtifact, ...]]) -> str:
    lines = [
        f"{name} {a.coordinate} {a.size} {a.sha256}"
        for name, artifacts in sorted(components.items())
        for a in artifacts
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
