"""A service as a process: its log, and its orderly end."""

import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

STALL_S = 8.0
GRACE_S = 0.7
"""What work in progress gets when asked to stop; with it a stop stays under a second."""


def log(message: str) -> None:
    """One line on stdout, at once."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stdout.write(f"{now} {message}\n")
    sys.stdout.flush()


def stop_on_signal() -> threading.Event:
    """An event set by SIGTERM or SIGINT. As pid 1 a process gets only signals it handles."""
    # Clients report each attempt to reconnect as an error; the services log what matters of it.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


class Pulse:
    """Ends a process whose loop stands still, so that it is started again.

    Every call to the outside has a time limit, so a loop that has not come round for STALL_S is
    stuck in a client that forgot its own. What every thread was doing is logged first.
    """

    def __init__(self) -> None:
        self._beaten = time.monotonic()
        threading.Thread(target=self._watch, daemon=True).start()

    def beat(self) -> None:
        """The loop has come round."""
        self._beaten = time.monotonic()

    def _watch(self) -> None:
        while (left := self._beaten + STALL_S - time.monotonic()) > 0:
            time.sleep(left)
        log(f"no progress for {STALL_S:g} s; ending, to be started again")
        faulthandler.dump_traceback(sys.stdout)
        os._exit(1)


def run_until(stop: threading.Event, work: Callable[[], None]) -> None:
    """Run `work` in a thread until `stop`; it then has GRACE_S to return, and the process ends.

    Work that ends before it is asked to has crashed: exit code 1, to be restarted.
    """
    crashed = threading.Event()

    def supervised() -> None:
        try:
            work()
        finally:
            if not stop.is_set():
                crashed.set()
            stop.set()

    thread = threading.Thread(target=supervised, daemon=True)
    thread.start()
    stop.wait()
    thread.join(GRACE_S)
    log("crashed" if crashed.is_set() else "stopped")
    sys.stderr.flush()
    # Not sys.exit: exit handlers of clients would wait for a broker that may be out of reach.
    os._exit(1 if crashed.is_set() else 0)


def together(stop: threading.Event, works: Sequence[Callable[[], None]]) -> Callable[[], None]:
    """Several works as one: each in a thread, and done when any has returned or failed."""
    ended = threading.Event()

    def until_any(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            ended.set()

    def run() -> None:
        threads = [threading.Thread(target=until_any, args=(w,), daemon=True) for w in works]
        for thread in threads:
            thread.start()
        ended.wait()
        if stop.is_set():
            for thread in threads:
                thread.join()

    return run
