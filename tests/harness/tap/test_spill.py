"""Bytes on disk come back as they were, and the disk is given back."""

import os
from pathlib import Path

import pytest

from harness.tap.spill import Spill


def used(folder: Path) -> int:
    """Bytes that the one file without a name takes, as the process sees it."""
    own = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    held = [fd for fd in own if os.path.lexists(fd) and str(folder) in os.readlink(fd)]
    return sum(Path(fd).stat().st_size for fd in held)


def test_what_is_put_is_got_back(tmp_path: Path) -> None:
    """In any order, and nothing of it has a name."""
    spill = Spill(tmp_path)
    first, second = spill.put(b"one"), spill.put(b"second")
    assert first is not None
    assert second is not None
    assert list(tmp_path.iterdir()) == []
    assert spill.get(second, 6) == b"second"
    assert spill.get(first, 3) == b"one"
    spill.close()


@pytest.mark.parametrize("kept", [0, 2000, 3000, 5000])
def test_disk_beyond_what_is_kept_is_free_when_everything_was_got_back(
    tmp_path: Path, kept: int
) -> None:
    """And places begin anew."""
    spill = Spill(tmp_path, kept=kept)
    places = [spill.put(b"x" * 1000) for _ in range(3)]
    assert used(tmp_path) == 3000
    for place in places:
        assert place is not None
        spill.get(place, 1000)
    assert used(tmp_path) == min(kept, 3000)
    assert spill.put(b"again") == 0
    assert spill.get(0, 5) == b"again"
    spill.close()
    assert used(tmp_path) == 0


def test_what_is_forgotten_is_not_got_back(tmp_path: Path) -> None:
    """Though its bytes are still there."""
    spill = Spill(tmp_path)
    spill.put(b"1234567")
    spill.forget()
    with pytest.raises(OSError, match="nothing was put there"):
        spill.get(0, 7)
    assert spill.put(b"abc") == 0
    with pytest.raises(OSError, match="7 bytes were put there, and 3 are left"):
        spill.get(0, 7)
    assert spill.get(0, 3) == b"abc"
    spill.close()


def test_what_finds_no_room_is_refused(tmp_path: Path) -> None:
    """Beyond the most that is allowed, and where there is no disk to write to."""
    spill = Spill(tmp_path, most=10)
    assert spill.put(b"12345678") == 0
    assert spill.put(b"901") is None
    assert spill.put(b"90") == 8
    spill.close()
    assert Spill(tmp_path / "nowhere").put(b"1") is None


def test_a_place_where_nothing_is_is_an_error(tmp_path: Path) -> None:
    """Never other bytes than those that were put."""
    spill = Spill(tmp_path)
    with pytest.raises(OSError, match="nothing was put there"):
        spill.get(0, 1)
    spill.put(b"123")
    with pytest.raises(OSError, match="4 bytes were put there, and 3 are left"):
        spill.get(0, 4)
    spill.close()
