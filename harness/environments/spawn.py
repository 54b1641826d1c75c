"""Starts one process as PID 1 of a node's namespaces; run as a script of its own.

    python -I -S spawn.py   (a JSON specification on standard input)

It must be a program, not a function: namespaces are entered between fork and exec, and the
harness, which has threads, must not fork without exec. The process enters the node's network
namespace, makes new mount, UTS, IPC and PID namespaces, forks the node's process into them,
prints `{"pid": …}` (as seen from outside) or `{"error": …}` and ends, so that the node's process
becomes the harness's own child.
"""

import json
import os
import sys

# -I keeps the script's folder off the path; the sibling module is wanted and nothing else is.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kernel  # type: ignore[import-not-found]

_FIRST_INHERITED = 3
NESTED_ID = 1000
"""What a process that refuses uid 0 (Postgres) sees as its uid and gid."""


def _enter(spec: dict[str, object]) -> None:
    netns = spec["netns_fd"]
    if netns is not None:
        kernel.setns(netns, kernel.CLONE_NEWNET)
    kernel.unshare(
        kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWPID
    )
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.sethostname(spec["hostname"])
    for source, target, read_only in spec["binds"]:  # type: ignore[attr-defined]
        kernel.bind(source, target, read_only=read_only)


def _become(spec: dict[str, object], error_write: int) -> None:
    try:
        os.setsid()
        flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("proc", "/proc", "proc", flags)
        null = os.open("/dev/null", os.O_RDONLY)
        log = os.open(str(spec["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for wanted, have in ((0, null), (1, log), (2, log)):
            os.dup2(have, wanted)
        os.closerange(_FIRST_INHERITED, error_write)
        os.closerange(error_write + 1, 1024)
        os.chdir(str(spec["cwd"]))
        if spec["nested_user"]:
            uid, gid = os.geteuid(), os.getegid()
            kernel.unshare(kernel.CLONE_NEWUSER)
            kernel.map_own_ids(inside=NESTED_ID, uid=uid, gid=gid)
        _execute(spec["argv"], spec["env"])  # type: ignore[arg-type]
    except OSError as error:
        os.write(error_write, f"{error.strerror}: {error.filename or ''}".encode())
    os._exit(127)


def _execute(argv: list[str], env: dict[str, str]) -> None:
    try:
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        # Else it is the last place of the PATH that was looked at.
        error.filename = argv[0]
        raise


def main() -> None:
    """Read the specification, start the process, tell its pid."""
    spec = json.load(sys.stdin)
    error_read, error_write = os.pipe()  # close-on-exec: end of file means that exec succeeded
    try:
        _enter(spec)
    except OSError as error:
        print(json.dumps({"error": str(error)}))
        return
    pid = os.fork()
    if pid == 0:
        os.close(error_read)
        _become(spec, error_write)
    os.close(error_write)
    with os.fdopen(error_read) as pipe:
        refusal = pipe.read()
    print(json.dumps({"error": refusal} if refusal else {"pid": pid}))


if __name__ == "__main__":
    main()
