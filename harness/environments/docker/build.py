"""Builds images with the engine's own builder, each once for each content.

The base needs no image registry: `debootstrap` makes Debian's minimum from Debian's archive, and the
engine imports it. What services need of package registries is put beside the build (`packages`).
"""

import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.environments.docker import images, packages
from harness.environments.docker.command import execute, tail
from harness.environments.docker.images import CONTENT_LABEL, Image
from harness.environments.docker.sdk import engine_errors
from harness.errors import EnvironmentFailed, MachineUnfit

if TYPE_CHECKING:
    from docker import DockerClient

_DEBOOTSTRAP_TIMEOUT_S = 900.0
_BUILD_TIMEOUT_S = 900
_NOT_IN_BASE = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "dev",
    "proc",
    "sys",
)
_SUITE = "bookworm"

Tell = Callable[[str], None]


class Builder:
    """Builds what is missing. Blocking; `tell` gets a line for each step."""

    def __init__(self, client: "DockerClient", tell: Tell) -> None:
        self._client = client
        self.tell = tell

    def local(self) -> frozenset[str]:
        """The names of the images on this machine."""
        with engine_errors("the engine's images"):
            return frozenset(tag for image in self._client.images.list() for tag in image.tags)

    def content(self, tag: str) -> str:
        """The digest that an image of ours carries; empty where there is none, or no image."""
        with engine_errors(tag):
            for image in self._client.images.list(name=tag):
                return str((image.labels or {}).get(CONTENT_LABEL, "")) or str(image.id)
        return ""

    def debian(self) -> None:
        """The base of all stand-ins. Raises MachineUnfit where it cannot be made here."""
        packages = ",".join(images.PACKAGES)
        wanted = f"debootstrap {_SUITE} {packages}"
        if self.content(images.DEBIAN) == wanted:
            self.tell(f"{images.DEBIAN}: is there")
            return
        program = shutil.which("debootstrap", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if program is None or os.geteuid() != 0:
            why = "there is no debootstrap" if program is None else "debootstrap needs root"
            raise MachineUnfit(
                f"aftershock images build: {why}, which makes the base of the images where "
                f"{images.OFFICIAL_PYTHON} and the compose file's own are not on this machine; "
                "`apt-get install debootstrap` and do it as root, or pull those with `docker pull`"
            )
        self.tell(f"{images.DEBIAN}: debootstrap {_SUITE}")
        with tempfile.TemporaryDirectory(prefix="aftershock-debian-") as place:
            root = Path(place, "root")
            execute(
                [program, "--variant=minbase", f"--include={packages}", _SUITE, str(root)],
                name=f"debootstrap {_SUITE}",
                timeout_s=_DEBOOTSTRAP_TIMEOUT_S,
            )
            self._import(root, Path(place, "root.tar"), wanted)

    def _import(self, root: Path, packed: Path, content: str) -> None:
        with tarfile.open(packed, "w") as tar:
            tar.add(root, arcname=".", filter=_of_base)
        repository, _, tag = images.DEBIAN.partition(":")
        with engine_errors(images.DEBIAN):
            self._client.api.import_image_from_file(
                str(packed), repository=repository, tag=tag,
                changes=[f'LABEL {CONTENT_LABEL}="{content}"'],
            )  # fmt: skip

    def build(self, image: Image, extra: Mapping[str, Path] | None = None) -> None:
        """One image. `extra` goes into its build and is not what tells its content."""
        wanted = self._wanted(image)
        if self.content(image.tag) == wanted:
            self.tell(f"{image.tag}: is there")
            return
        self.tell(f"{image.tag}: building")
        arguments = {"BASE": image.upon, **(packages.ARGUMENTS if extra else {})}
        with (
            tempfile.TemporaryFile() as packed,
            engine_errors(image.tag),
        ):
            _pack(packed, (*image.files(), *images.files(extra or {})))
            packed.seek(0)
            lines = self._client.api.build(
                fileobj=packed, custom_context=True, tag=image.tag, rm=True, forcerm=True,
                buildargs=arguments, labels={CONTENT_LABEL: wanted}, decode=True,
                timeout=_BUILD_TIMEOUT_S,
            )  # fmt: skip
            _watch(image.tag, lines)

    def build_service(self, image: Image) -> None:
        """A service by its own Dockerfile; upon a base of ours, its packages are fetched here."""
        if not packages.are_fetched(image) or self.content(image.tag) == self._wanted(image):
            self.build(image)
            return
        with tempfile.TemporaryDirectory(prefix="aftershock-packages-") as place:
            self.tell(f"{image.tag}: fetching its packages")
            self.build(image, packages.fetch(image, Path(place)))

    def _wanted(self, image: Image) -> str:
        return images.digest(image, self.content(image.upon))


def _of_base(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = member.name.removeprefix("./")
    inside = any(name.startswith(f"{folder}/") for folder in _NOT_IN_BASE)
    return None if inside else member


def _pack(target: Any, files: Iterable[tuple[str, Path]]) -> None:
    """The build context as the builder takes it; the times of files tell nothing."""
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, path in files:
            member = tar.gettarinfo(str(path), arcname=name)
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = 0
            if member.isreg():
                with path.open("rb") as file:
                    tar.addfile(member, file)
            else:
                tar.addfile(member, io.BytesIO())


def _watch(tag: str, lines: Iterator[dict[str, Any]]) -> None:
    """Raises EnvironmentFailed with the end of what a failed build has said."""
    said: list[str] = []
    for line in lines:
        if "stream" in line:
            said += [text for text in str(line["stream"]).splitlines() if text.strip()]
        if "error" in line:
            raise EnvironmentFailed(f"{tag} cannot be built: {line['error']}\n{tail(said)}")
