"""Files of a run: each replaced whole or not at all, under a name that is one.

A reader sees the old file or the new one. A full disk is EnvironmentFailed with the path; a place
that cannot be written, and a file that is not what it should be, is DeclarationError.
"""

import errno
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import DeclarationError, EnvironmentFailed


def read_json(path: Path) -> Mapping[str, Any]:
    """One JSON object. Raises DeclarationError naming the file and what is wrong."""
    try:
        told = json.loads(path.read_bytes())
    except OSError as error:
        raise DeclarationError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DeclarationError(
            f"{path}: broken or cut off, not JSON ({error}); the run cannot be judged from it"
        ) from error
    if not isinstance(told, dict):
        raise DeclarationError(f"{path}: not a JSON object")
    return told


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Replace a JSON file atomically: a reader sees the old one or the new one, whole."""
    text = json.dumps(document, indent=1, ensure_ascii=False, default=str)
    _replace(path, lambda file: file.write(text.encode("utf-8", "backslashreplace")))


def write_parquet(path: Path, table: pa.Table) -> None:
    """Replace a Parquet file atomically."""
    _replace(path, lambda file: pq.write_table(table, file, compression="zstd"))


def safe_name(name: str) -> str:
    """A name as a file name: what is outside [A-Za-z0-9._-] becomes `_`, a leading dot too."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return re.sub(r"^\.", "_", cleaned) or "_"


def _replace(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    with blaming(path):
        try:
            with partial.open("wb") as file:
                write(file)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


@contextmanager
def blaming(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into an error that a user can act on."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise EnvironmentFailed(
                f"{path}: no space left on the disk; free some, or choose another place with --out"
            ) from error
        raise DeclarationError(
            f"{path}: cannot be written ({error.strerror or error}); choose another place with "
            "--out"
        ) from error
