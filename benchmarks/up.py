"""How long `aftershock up` takes until Debezium streams and every service answers, beside a bare
script that starts the same processes.

    python benchmarks/up.py [ROUNDS]

Both are whole processes, timed in turn (A B A B …), on the same warm cache: the same binaries,
class caches, data directories from the same templates, and the same questions asked for
readiness. The bare one has no node of its own for anything: all processes share one network and
find one another on loopback addresses. Prints seconds as minimum, median and maximum, and the
ratio of the medians.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from loopback import DEADLINE_S, POLL_S, answers, loopback_up, start

from harness.cli import suites
from harness.cli.matrix import system_of
from harness.drivers.connect import Connect
from harness.drivers.postgres import Postgres
from harness.engine.stage import connector_of
from harness.environments import kernel
from harness.environments.namespaces import recipes
from harness.environments.outer import run_inside
from harness.environments.recipes.base import Site
from harness.model.system import Node, Role
from harness.toolchain import Toolchain, ensure

PATTERN = "outbox-cdc"


def main() -> None:
    """Time both, print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    command = [sys.executable, "-c", "from harness.cli import main; main()"]
    taken: dict[str, list[float]] = {"aftershock up": [], "bare script": []}
    for _ in range(rounds):
        taken["aftershock up"].append(
            _timed([*command, "up", "shop", "--pattern", PATTERN, "--offline"])
        )
        subprocess.run([*command, "down"], check=True, stdout=subprocess.DEVNULL)
        taken["bare script"].append(_timed([sys.executable, __file__, "--bare"]))
    for name, seconds in taken.items():
        low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
        print(f"{name:<14} min {low:5.2f} s  median {middle:5.2f} s  max {high:5.2f} s")
    ratio = statistics.median(taken["aftershock up"]) / statistics.median(taken["bare script"])
    print(f"ratio of medians: {ratio:.2f}")


def _timed(command: list[str]) -> float:
    """Seconds until the command has ended, or, for the bare script, until it says so."""
    began = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        if "--bare" not in command or process.stdout is None:
            process.communicate()
            return time.monotonic() - began
        said = process.stdout.readline()
        took = time.monotonic() - began
        process.communicate()
        if said != "streaming\n":
            raise SystemExit(f"the bare script failed: {said!r}")
        return took


def bare() -> int:
    """Start everything at once, await the answers, say so, end."""
    return asyncio.run(_bare())


async def _bare() -> int:
    suite = suites.load("shop")
    pattern = suite.pattern(PATTERN)
    toolchain = ensure(offline=True)
    loopback_up()
    with tempfile.TemporaryDirectory() as folder:
        sites = _sites(system_of(suite, pattern).nodes, Path(folder), toolchain)
        kernel.bind(str(Path(folder) / "hosts"), "/etc/hosts")
        known = recipes()
        running = [await start(site, known[site.node.role]) for site in sites]
        try:
            waits = [answers(site, known[site.node.role]) for site in sites]
            path = pattern.connectors[0]
            await asyncio.gather(*waits, _streams(sites, path))
            print("streaming", flush=True)
        finally:
            for process in running:
                process.kill()
            for process in running:
                process.wait()
            kernel.unmount("/etc/hosts")
    return 0


def _sites(nodes: tuple[Node, ...], folder: Path, toolchain: Toolchain) -> list[Site]:
    """Each node at a loopback address of its own, with ports that do not meet."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    hosts = folder / "hosts"
    sites, lines = [], ["127.0.0.1 localhost"]
    for number, node in enumerate(nodes, start=2):
        address, alone = f"127.0.0.{number}", node
        if node.role is Role.POSTGRES:
            command = (*(node.command or ("postgres",)), "-c", f"listen_addresses={address}")
            alone = replace(node, command=command)
        elif node.role is Role.SERVICE:
            port = str(9000 + number)
            alone = replace(
                node,
                environment={**node.environment, "HTTP_PORT": port},
                labels={**node.labels, "aftershock.ready": f"{port}/health"},
            )
        directory = folder / node.name
        directory.mkdir()
        site = Site(
            node=alone,
            address=address,
            directory=directory,
            netns_fd=home,
            hosts=hosts,
            log=folder / f"{node.name}.log",
            toolchain=toolchain,
        )
        sites.append(site)
        lines.append(f"{address} {node.name}")
    hosts.write_text("\n".join(lines) + "\n", encoding="ascii")
    return sites


async def _streams(sites: list[Site], path: Path) -> None:
    """Register the connector as soon as Connect answers; its slot in use is the answer."""
    worker = next(site for site in sites if site.node.role is Role.KAFKA_CONNECT)
    source = next(site for site in sites if site.node.role is Role.POSTGRES)
    await answers(worker, recipes()[Role.KAFKA_CONNECT])
    connect = Connect(worker.address)
    environment = source.node.environment
    database = Postgres(
        source.address,
        user=environment["POSTGRES_USER"],
        password=environment["POSTGRES_PASSWORD"],
    )
    try:
        name, config = connector_of(path)
        await connect.put_config(name, config)
        await connect.wait_running(name, DEADLINE_S)
        while not any(s.active for s in await database.slots()):  # noqa: ASYNC110 (a server's state)
            await asyncio.sleep(POLL_S)
    finally:
        await connect.close()
        await database.close()


if __name__ == "__main__":
    if "--bare" in sys.argv:
        sys.exit(run_inside(bare))
    main()
