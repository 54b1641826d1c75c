"""Programs without debug information, on a made-up one and on Python itself."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from harness.toolchain.elf import segments_only


def test_what_lies_behind_the_last_segment_is_left_out(debuggable: bytes) -> None:
    """And the header tells of no sections any more."""
    kept = segments_only(io.BytesIO(debuggable))
    assert len(debuggable) > 1200
    assert len(kept) == 200
    assert kept[40:48] == bytes(8)
    assert kept[58:64] == bytes(6)
    assert kept[64:] == debuggable[64:200]


def test_a_program_still_runs(tmp_path: Path) -> None:
    """Whatever the linker has put where."""
    program = tmp_path / "python"
    with Path(sys.executable).resolve().open("rb") as real:
        program.write_bytes(segments_only(real))
    program.chmod(0o755)
    done = subprocess.run(
        [program, "-I", "-S", "-c", "print(6 * 7)"],
        env={"PYTHONHOME": sys.base_prefix},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == "42\n"


@pytest.mark.parametrize(
    "content, says", [(b"#!/bin/sh", "no ELF"), (b"", "no ELF"), (None, "ends before")]
)
def test_what_is_no_whole_program_is_refused(
    debuggable: bytes, content: bytes | None, says: str
) -> None:
    """A script, nothing, a file that was cut."""
    with pytest.raises(ValueError, match=says):
        segments_only(io.BytesIO(debuggable[:150] if content is None else content))
