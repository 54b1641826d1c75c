"""System calls that are not in the standard library, on the real kernel."""

import os
import signal
import socket
from pathlib import Path

import pytest

from harness.environments import kernel
from harness.testing import isolated


def bind_and_unmount(directory: str) -> list[str]:
    """A file over another, and off again."""
    over, under = Path(directory, "over"), Path(directory, "under")
    over.write_text("over", encoding="utf-8")
    under.write_text("under", encoding="utf-8")
    seen = [under.read_text(encoding="utf-8")]
    kernel.bind(str(over), str(under))
    seen.append(under.read_text(encoding="utf-8"))
    under.write_text("changed", encoding="utf-8")
    kernel.unmount(str(under))
    return [*seen, under.read_text(encoding="utf-8"), over.read_text(encoding="utf-8")]


def bind_read_only(directory: str) -> str:
    """Nobody can write through a read-only bind, root included."""
    over, under = Path(directory, "over"), Path(directory, "under")
    over.write_text("over", encoding="utf-8")
    under.touch()
    kernel.bind(str(over), str(under), read_only=True)
    try:
        under.write_text("changed", encoding="utf-8")
    except OSError as error:
        return f"{error.strerror}: {over.read_text(encoding='utf-8')}"
    return "written"


def bind_read_only_in_a_hardened_place(directory: str) -> str:
    """As an ordinary user whose home is mounted nosuid, nodev: such flags cannot be lifted."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("none", directory, "tmpfs", flags)
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    kernel.map_own_ids(inside=0, uid=uid, gid=gid)
    kernel.unshare(kernel.CLONE_NEWNS)
    return bind_read_only(directory)


def unmount_while_open(directory: str) -> str:
    """What is in use goes as well."""
    over, under = Path(directory, "over"), Path(directory, "under")
    over.write_text("over", encoding="utf-8")
    under.write_text("under", encoding="utf-8")
    kernel.bind(str(over), str(under))
    with under.open(encoding="utf-8") as file:
        kernel.unmount(str(under))
        return file.read() + " " + under.read_text(encoding="utf-8")


def rename_host() -> list[str]:
    """The host's name before and after; it may have any length up to 64 bytes."""
    kernel.sethostname("order-db")
    names = [socket.gethostname()]
    kernel.sethostname("o")
    return [*names, socket.gethostname()]


def visit_network() -> list[bool]:
    """Into another network namespace and back, by descriptor."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    here = _net()
    kernel.unshare(kernel.CLONE_NEWNET)
    there = _net()
    kernel.setns(home, kernel.CLONE_NEWNET)
    os.close(home)
    return [here != there, _net() == here]


def _net() -> str:
    return os.readlink("/proc/thread-self/ns/net")


def own_ids() -> list[int]:
    """In a user namespace of its own, a process is who it says it is."""
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    kernel.map_own_ids(inside=1000, uid=uid, gid=gid)
    return [os.geteuid(), os.getegid()]


def die_with_parent() -> int:
    """A grandchild whose parent is killed: the signal that ended it."""
    kernel.adopt_orphans()
    read, write = os.pipe()
    parent = os.fork()
    if parent == 0:
        if os.fork() == 0:
            kernel.die_with_parent()
            os.write(write, str(os.getpid()).encode())
            signal.pause()
        signal.pause()
    orphan = int(os.read(read, 20))
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    _, status = os.waitpid(orphan, 0)
    return os.WTERMSIG(status)


def adopt() -> bool:
    """Below PID 1, an orphan goes to who asked for it."""
    if (middle := os.fork()) == 0:
        kernel.adopt_orphans()
        read, write = os.pipe()
        if (parent := os.fork()) == 0:
            if (child := os.fork()) == 0:
                signal.pause()
            os.write(write, str(child).encode())
            os._exit(0)
        orphan = int(os.read(read, 20))
        os.waitpid(parent, 0)
        os.kill(orphan, signal.SIGKILL)
        os._exit(0 if os.waitpid(orphan, 0)[0] == orphan else 1)
    return os.waitpid(middle, 0)[1] == 0


def test_a_bind_shows_another_file_until_it_is_unmounted(tmp_path: Path) -> None:
    """Writing goes to what is shown."""
    assert isolated(bind_and_unmount, str(tmp_path)) == ["under", "over", "under", "changed"]


def test_a_read_only_bind_cannot_be_written(tmp_path: Path) -> None:
    """The second, remounting call is what makes it so."""
    assert isolated(bind_read_only, str(tmp_path)) == "Read-only file system: over"


def test_a_read_only_bind_works_where_mounts_are_hardened(tmp_path: Path) -> None:
    """A home or /tmp that is mounted nosuid and nodev, as many are."""
    seen = isolated(bind_read_only_in_a_hardened_place, str(tmp_path))
    assert seen == "Read-only file system: over"


def test_a_mount_in_use_is_taken_off(tmp_path: Path) -> None:
    """Who has it open keeps what they have."""
    assert isolated(unmount_while_open, str(tmp_path)) == "over under"


def test_mounts_stay_where_they_were_made(tmp_path: Path) -> None:
    """The caller's own mounts are as they were."""
    isolated(bind_and_unmount, str(tmp_path))
    isolated(bind_read_only, str(tmp_path))
    assert (tmp_path / "under").read_text(encoding="utf-8") != "over"


def test_the_host_has_the_name_it_was_given() -> None:
    """In its namespace only."""
    mine = socket.gethostname()
    assert isolated(rename_host) == ["order-db", "o"]
    assert socket.gethostname() == mine


def test_a_network_namespace_is_left_again() -> None:
    """By the descriptor that was taken before."""
    assert isolated(visit_network) == [True, True]


def test_a_user_namespace_maps_one_id() -> None:
    """What Postgres is given, which refuses uid 0."""
    assert isolated(own_ids) == [1000, 1000]


def test_a_process_dies_with_its_parent() -> None:
    """By SIGKILL, which nothing can hold off."""
    assert isolated(die_with_parent) == signal.SIGKILL


def test_an_orphan_is_adopted() -> None:
    """So that it can be waited for."""
    assert isolated(adopt) is True


def test_a_refusal_names_the_call() -> None:
    """Number, call and the kernel's word."""
    with pytest.raises(OSError, match=r"umount /nowhere: No such file") as refused:
        kernel.unmount("/nowhere")
    assert refused.value.errno == 2
    with pytest.raises(OSError, match="setns: Bad file descriptor"):
        kernel.setns(-1, kernel.CLONE_NEWNET)
