"""What `taps.py` puts between a client and a server: nothing, the tap, a bare pump, Toxiproxy,
HAProxy. Each proxy is one process of its own on loopback addresses, and its processor time is read
from the kernel.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

from harness.engine.taps import Taps
from harness.toolchain.cache import default_cache

_TOXIPROXY = "github.com/Shopify/toxiproxy/v2/cmd/server@latest"
_BUILD_TIMEOUT_S = 300.0
_START_TIMEOUT_S = 10.0
_CONTROL = 9600
"""The port of Toxiproxy's control interface."""
KEY_COLUMNS = frozenset({"aid"})
"""What the tap takes for the business key: an account of pgbench."""

NAMES = ("direct", "tap", "pump", "toxiproxy", "haproxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where a contender's client finds each server, as (host, port)."""

    postgres: tuple[str, int]
    kafka: tuple[str, int]


class Contender:
    """One way from the client to the servers. `why_not`: it can't be had here."""

    def __init__(
        self,
        name: str,
        at: Servers,
        process: "subprocess.Popen[bytes] | None" = None,
        why_not: str = "",
    ) -> None:
        self.name = name
        self.at = at
        self.why_not = why_not
        self._process = process

    @property
    def pid(self) -> int | None:
        """Of the proxy, None where there is none."""
        return None if self._process is None else self._process.pid

    def cpu_s(self) -> float:
        """Processor time of the proxy so far, all its threads."""
        return 0.0 if self.pid is None else _cpu_s(self.pid)

    async def begin(self, folder: Path) -> None:
        """A measurement begins."""

    async def end(self) -> int:
        """It has ended; returns how many messages the contender has traced."""
        return 0

    async def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Tap(Contender):
    """The tap process, which traces each measurement to a spool of its own."""

    def __init__(self, at: Servers, taps: Taps) -> None:
        super().__init__("tap", at)
        self._taps = taps
        self._spool: Path | None = None

    @property
    def pid(self) -> int | None:
        return self._taps.pid

    async def begin(self, folder: Path) -> None:
        self._spool = folder / "spool"
        await self._taps.begin(self._spool, KEY_COLUMNS, 0)

    async def end(self) -> int:
        frames = await self._taps.end()
        if self._spool is not None:
            self._spool.unlink()
        return frames

    async def close(self) -> None:
        await self._taps.close()


def _cpu_s(pid: int) -> float:
    # CPUCLOCK_SCHED of a whole process, as glibc's clock_getcpuclockid(3) makes it.
    return time.clock_gettime((~pid << 3) | 2)


Ways = Mapping[tuple[str, int], tuple[str, int]]
"""Where a proxy listens → where it dials."""


def listen_at(name: str) -> Servers:
    """Where the clients of a contender connect. A broker tells its clients to come back to the
    address of the listener that they came by, so each contender has a listener of its own."""
    at = NAMES.index(name)
    host = f"127.0.1.{at}"
    return Servers(postgres=(host, 5432), kafka=(host, 9200 + at))


def ways(name: str, servers: Servers) -> Ways:
    """What a contender has to listen at and where to dial from there."""
    at = listen_at(name)
    return {at.postgres: servers.postgres, at.kafka: (servers.kafka[0], at.kafka[1])}


async def tap(servers: Servers, log: Path) -> Contender:
    """The harness's own."""
    links = [
        {
            "client": "client",
            "server": protocol,
            "listen": here[0],
            "address": there[0],
            "port": here[1],
            "protocol": protocol,
        }
        for protocol, (here, there) in zip(
            ("postgres", "kafka"), ways("tap", servers).items(), strict=True
        )
    ]
    taps = Taps(log)
    await taps.start(links, {})
    return Tap(listen_at("tap"), taps)


def pump(servers: Servers, log: Path) -> Contender:
    """The floor for Python."""
    program = Path(__file__).with_name("pump.py")
    pairs = [f"{_text(here)}={_text(there)}" for here, there in ways("pump", servers).items()]
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, str(program), *pairs],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
        )  # fmt: skip
    if process.stdout is None or process.stdout.readline() != b"listening\n":
        raise SystemExit(f"the pump did not start; see {log}")
    return Contender("pump", listen_at("pump"), process)


def toxiproxy_binary() -> Path | None:
    """Built once, into the cache; None where it can't be. Needs a network."""
    folder = default_cache() / "benchmarks"
    found = folder / "server"
    if found.exists():
        return found
    go = shutil.which("go", path=os.pathsep.join((os.environ["PATH"], "/usr/local/go/bin")))
    if go is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [go, "install", _TOXIPROXY],
        env={**os.environ, "GOBIN": str(folder)},
        capture_output=True,
        timeout=_BUILD_TIMEOUT_S,
        check=False,
    )
    return found if done.returncode == 0 else None


def toxiproxy(servers: Servers, log: Path, binary: Path | None) -> Contender:
    """Proxies without toxics."""
    at = listen_at("toxiproxy")
    if binary is None:
        return Contender("toxiproxy", at, why_not="`go install` of it did not work")
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(binary), "-host", "127.0.0.1", "-port", str(_CONTROL)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    for here, there in ways("toxiproxy", servers).items():
        _create(json.dumps({"name": str(here[1]), "listen": _text(here), "upstream": _text(there)}))
    return Contender("toxiproxy", at, process)


def _create(proxy: str) -> None:
    """One proxy, as soon as the control interface answers."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        control = HTTPConnection("127.0.0.1", _CONTROL, timeout=_START_TIMEOUT_S)
        try:
            control.request("POST", "/proxies", proxy, {"Content-Type": "application/json"})
            if control.getresponse().status == HTTPStatus.CREATED:
                return
            raise SystemExit(f"Toxiproxy did not take {proxy}")
        except ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        finally:
            control.close()


def haproxy(servers: Servers, log: Path, folder: Path) -> Contender:
    """Mode tcp, otherwise as it comes: one thread for each processor."""
    at = listen_at("haproxy")
    binary = shutil.which("haproxy", path=os.pathsep.join((os.environ["PATH"], "/usr/sbin")))
    if binary is None:
        return Contender("haproxy", at, why_not="no haproxy on this machine")
    config = folder / "haproxy.cfg"
    config.write_text("\n".join(_haproxy_config(ways("haproxy", servers))) + "\n", encoding="ascii")
    with log.open("ab") as out:
        process = subprocess.Popen(
            [binary, "-db", "-f", str(config)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    return Contender("haproxy", at, process)


def _haproxy_config(pairs: Ways) -> Iterable[str]:
    yield "defaults"
    yield "  mode tcp"
    for side in ("connect", "client", "server"):
        yield f"  timeout {side} 1h"
    for here, there in pairs.items():
        yield f"listen at{here[1]}"
        yield f"  bind {_text(here)}"
        yield f"  server s {_text(there)}"


def _text(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"
