"""The packages of a service, fetched on this machine and put beside its build.

A build upon a stand-in reaches no package registry. This machine's pip and npm do it, whose settings
count: as `wheels` for a service with `requirements.txt`, and as `fetched/node_modules` for one with
`package-lock.json`. How a Dockerfile takes them is in `compose/services` and `compose/services-js`.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.environments import nodejs
from harness.environments.docker import images
from harness.environments.docker.command import execute
from harness.environments.docker.images import Image

_TIMEOUT_S = 300.0
_TOLD_IN: Mapping[str, str] = {
    images.PYTHON: "requirements.txt",
    images.NODE: "package-lock.json",
}
"""Base of ours → the file that names a service's packages."""
_NPM = ("npm", "ci", "--omit=dev", "--no-audit", "--no-fund")

ARGUMENTS: Mapping[str, str] = {"PIP_NO_INDEX": "1"}
"""Of a build beside which they are."""


def are_fetched(image: Image) -> bool:
    """Whether the service has packages that its build could not fetch by itself."""
    told = _TOLD_IN.get(image.upon)
    return told is not None and (image.folder / told).is_file()


def fetch(image: Image, place: Path) -> Mapping[str, Path]:
    """Path in the build context → the folder to put there, made under `place`. Blocking. Raises
    EnvironmentFailed."""
    if image.upon == images.NODE:
        return {"fetched": _node_modules(image.folder, place)}
    return {"wheels": _wheels(image.folder, place)}


def _wheels(folder: Path, place: Path) -> Path:
    requirements, wheels = folder / _TOLD_IN[images.PYTHON], place / "wheels"
    machine = os.uname().machine
    platforms = [f"--platform=manylinux{old}_{machine}" for old in ("2014", "_2_28", "_2_34")]
    execute(
        [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:",
         f"--python-version={images.PYTHON.rpartition(':')[2]}", "--implementation=cp", *platforms,
         "--dest", str(wheels), "-r", str(requirements)],
        name=f"pip download -r {requirements}", timeout_s=_TIMEOUT_S,
    )  # fmt: skip
    return wheels


def _node_modules(folder: Path, place: Path) -> Path:
    """By the Node.js that the base is made of, in a copy: the folder itself stays as it is."""
    work, fetched = place / "work", place / "fetched"
    shutil.copytree(folder, work, symlinks=True, ignore=shutil.ignore_patterns(*images.LEFT_OUT))
    execute(
        nodejs.argv_of(_NPM), name=f"{' '.join(_NPM)} in {folder}", timeout_s=_TIMEOUT_S,
        cwd=work, env={**os.environ, "PATH": nodejs.path()},
    )  # fmt: skip
    fetched.mkdir()
    modules = work / "node_modules"
    if modules.is_dir():  # npm makes none where there are no packages
        modules.rename(fetched / "node_modules")
    return fetched
