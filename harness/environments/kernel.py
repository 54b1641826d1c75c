"""The few Linux system calls that Python's standard library (3.11) lacks, by ctypes.

Every function raises OSError with the call's name on failure. Constants are from
<linux/sched.h>, <linux/mount.h> and <linux/prctl.h>.
"""

import ctypes
import os
import signal

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Give the calling thread (for user and PID namespaces: process) new namespaces."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd: int, kind: int) -> None:
    """Enter the namespace behind `fd`; it counts for the calling thread only."""
    _check(_libc.setns(ctypes.c_int(fd), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, fstype: str | None = None, flags: int = 0) -> None:
    """mount(2) without data."""
    kind = fstype.encode() if fstype else None
    _check(
        _libc.mount(source.encode(), target.encode(), kind, ctypes.c_ulong(flags), None),
        f"mount {target}",
    )


def bind(source: str, target: str, *, read_only: bool = False) -> None:
    """A bind mount; read-only needs the second, remounting call."""
    mount(source, target, None, MS_BIND | MS_REC)
    if read_only:
        # In a user namespace the kernel refuses a remount that would lift one of these.
        kept = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
        mount(source, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | kept)


def unmount(target: str) -> None:
    """Take the topmost mount off `target`, also while it is in use."""
    _check(_libc.umount2(target.encode(), ctypes.c_int(MNT_DETACH)), f"umount {target}")


def tee(source: int, sink: int, count: int) -> int:
    """Copy up to `count` bytes from one pipe to another without taking them out of it (tee(2)).
    Returns how many. Raises OSError, BlockingIOError where nothing can be copied now."""
    flags = ctypes.c_uint(os.SPLICE_F_NONBLOCK)
    copied = int(_libc.tee(ctypes.c_int(source), ctypes.c_int(sink), ctypes.c_size_t(count), flags))
    if copied < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"tee: {os.strerror(number)}")
    return copied


def sethostname(name: str) -> None:
    """The host name of the calling process's UTS namespace."""
    raw = name.encode()
    _check(_libc.sethostname(raw, ctypes.c_size_t(len(raw))), "sethostname")


def die_with_parent() -> None:
    """SIGKILL the calling process when its parent thread ends."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Make the calling process the parent of its descendants' orphans."""
    _check(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def map_own_ids(*, inside: int, uid: int, gid: int) -> None:
    """After unshare(CLONE_NEWUSER): let `inside` stand for the caller's `uid` and `gid`.

    `setgroups` is denied first, which the kernel asks of an unprivileged writer
    (user_namespaces(7)).
    """
    for path, text in (
        ("/proc/self/setgroups", "deny"),
        ("/proc/self/uid_map", f"{inside} {uid} 1"),
        ("/proc/self/gid_map", f"{inside} {gid} 1"),
    ):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
