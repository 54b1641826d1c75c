"""What the tap costs: direct, the tap, a bare byte pump in Python, Toxiproxy and HAProxy, side by
side in one run, in front of a real PostgreSQL and a real Kafka.

    python benchmarks/taps.py [--quick] [--rounds N] [--seconds S] [--only WORD ...] [--json]

The tap parses and traces everything that passes into its spool; the pump (`pump.py`) has the same
structure and looks at nothing: it is the floor for Python, as HAProxy is the one for C. In each
round every row is measured once with every contender, one right after the other, the first one
another one each time. The table has the median of the rounds, its ratio to direct and to the pump
(the median of the ratios within each round; more than 1 is better, also of latencies), what is
added to an operation's latency with one client, and the proxy's processor time per operation,
under the load and after it. All
processes live in a namespace of their own, on loopback addresses, and end with the run. Each has
its own session, as each node of a run has: where the kernel schedules sessions as groups, two
processes of one share what two of several would have to themselves.

Where the machine has no `pgbench` nothing can be measured; without `confluent-kafka` no row of
Kafka, without `haproxy` or Go not these contenders: the table says so.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from subprocess import Popen

import loads
import proxies
from loads import Measured, Row
from loopback import answers, loopback_up, start
from proxies import NAMES, Contender, Servers

from harness.environments.namespaces import recipes
from harness.environments.outer import run_inside
from harness.environments.recipes.base import Site
from harness.model.system import Node, Role
from harness.toolchain import Toolchain, ensure

_POSTGRES, _KAFKA = "127.0.0.2", "127.0.0.3"
_DIRECT = Servers(postgres=(_POSTGRES, 5432), kafka=(_KAFKA, 9092))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement."""

    measured: Measured
    cpu_s: float
    """Of the proxy, while the load was on."""
    later_s: float
    """Of the proxy afterwards: what the tap put off."""
    frames: int


Samples = dict[tuple[str, str], list[Sample]]
"""By row and contender, one for each round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What is told of one contender in one row."""

    row: str
    contender: str
    unit: str
    median: float
    p99: float | None
    of_direct: float | None
    of_pump: float | None
    added_ms: float | None
    cpu_us: float | None
    """Processor time of the proxy per operation, in microseconds, while the load was on."""
    later_us: float | None
    """And after it, for what was put off."""
    operation: str
    frames_per_operation: float
    all: tuple[float, ...]


def main() -> int:
    """Fetch what has to be fetched, then measure inside."""
    options = _options()
    toolchain = ensure()
    binary = proxies.toxiproxy_binary()
    return run_inside(lambda: asyncio.run(_measure(options, toolchain, binary)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What the tap costs.")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 s")
    parser.add_argument("--rounds", type=int, help="5, or 2")
    parser.add_argument("--seconds", type=float, help="of each measurement: 3, or 1")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="rows with one of these in them")
    parser.add_argument("--contenders", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--json", action="store_true", help="print everything measured as JSON")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (1.0 if options.quick else 3.0)
    return options


async def _measure(
    options: argparse.Namespace, toolchain: Toolchain, toxiproxy: Path | None
) -> int:
    loopback_up()
    rows = [
        row
        for row in loads.rows()
        if not options.only or any(word in row.name for word in options.only)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        servers = await _servers(folder, toolchain)
        contenders = await _contenders(options.contenders, folder, toxiproxy)
        try:
            loads.prepare(_DIRECT, copy_mb=100)
            samples: Samples = defaultdict(list)
            for number in range(options.rounds):
                for row in rows:
                    await _round(row, contenders, number, folder, options.seconds, samples)
                _say(f"round {number + 1} of {options.rounds} done")
        finally:
            for contender in contenders:
                await contender.close()
            for server in servers:
                server.kill()
                server.wait()
    cells = _cells(rows, contenders, samples)
    if options.json:
        print(json.dumps({"machine": _machine(), "cells": [asdict(c) for c in cells]}, indent=1))
    else:
        _print_table(rows, contenders, cells)
    return 0


async def _round(
    row: Row,
    contenders: Sequence[Contender],
    number: int,
    folder: Path,
    seconds: float,
    samples: Samples,
) -> None:
    """One row, every contender."""
    if row.uses == "kafka" and not loads.has_kafka():
        return
    present = [contender for contender in contenders if not contender.why_not]
    at = number % len(present)
    for contender in present[at:] + present[:at]:
        await contender.begin(folder)
        before = contender.cpu_s()
        measured = await asyncio.to_thread(row.run, contender.at, seconds)
        cpu_s = contender.cpu_s() - before
        frames = await contender.end()
        later_s = contender.cpu_s() - before - cpu_s
        samples[row.name, contender.name].append(
            Sample(measured=measured, cpu_s=cpu_s, later_s=later_s, frames=frames)
        )


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


# --- processes ------------------------------------------------------------------------------------


async def _servers(folder: Path, toolchain: Toolchain) -> list["Popen[bytes]"]:
    """PostgreSQL and a broker."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    (folder / "hosts").write_text("127.0.0.1 localhost\n", encoding="ascii")
    running = []
    for node, address in ((_postgres(), _POSTGRES), (_kafka(), _KAFKA)):
        directory = folder / node.name
        directory.mkdir()
        site = Site(
            node=node, address=address, directory=directory, netns_fd=home,
            hosts=folder / "hosts", log=folder / f"{node.name}.log", toolchain=toolchain,
        )  # fmt: skip
        recipe = recipes()[node.role]
        running.append(await start(site, recipe, own_session=True))
        await answers(site, recipe)
    return running


def _postgres() -> Node:
    return Node(
        name="postgres",
        role=Role.POSTGRES,
        command=(
            "postgres", "-c", f"listen_addresses={_POSTGRES}", "-c", "autovacuum=off",
            "-c", "max_wal_size=8GB", "-c", "shared_buffers=512MB",
        ),
        environment={
            "POSTGRES_USER": loads.USER,
            "POSTGRES_PASSWORD": loads.PASSWORD,
            "POSTGRES_DB": loads.DATABASE,
        },
    )  # fmt: skip


def _kafka() -> Node:
    """With a listener for each contender, which tells clients to come back the same way."""
    listeners = {"DIRECT": (9092, f"{_KAFKA}:9092")}
    for name in NAMES[1:]:
        host, port = proxies.listen_at(name).kafka
        listeners[name.upper()] = (port, f"{host}:{port}")
    told = ",".join(f"{name}://{at}" for name, (_, at) in listeners.items())
    heard = ",".join(f"{name}://{_KAFKA}:{port}" for name, (port, _) in listeners.items())
    one = {
        f"KAFKA_{topic}_REPLICATION_FACTOR": "1"
        for topic in ("OFFSETS_TOPIC", "TRANSACTION_STATE_LOG", "SHARE_COORDINATOR_STATE_TOPIC")
    }
    return Node(
        name="kafka",
        role=Role.KAFKA,
        environment={
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_LISTENERS": f"{heard},CONTROLLER://{_KAFKA}:9093",
            "KAFKA_ADVERTISED_LISTENERS": told,
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": ",".join(
                f"{name}:PLAINTEXT" for name in (*listeners, "CONTROLLER")
            ),
            "KAFKA_INTER_BROKER_LISTENER_NAME": "DIRECT",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@{_KAFKA}:9093",
            "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            # What was measured is thrown away soon.
            "KAFKA_LOG_SEGMENT_BYTES": str(64 << 20),
            "KAFKA_LOG_RETENTION_BYTES": str(128 << 20),
            "KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS": "5000",
            "KAFKA_LOG_SEGMENT_DELETE_DELAY_MS": "1000",
            **one,
        },
    )


async def _contenders(
    names: Sequence[str], folder: Path, toxiproxy: Path | None
) -> list[Contender]:
    """In the order of `NAMES`."""
    log = folder / "proxies.log"
    found = []
    for name in NAMES:
        if name not in names:
            continue
        match name:
            case "tap":
                found.append(await proxies.tap(_DIRECT, log))
            case "pump":
                found.append(proxies.pump(_DIRECT, log))
            case "toxiproxy":
                found.append(proxies.toxiproxy(_DIRECT, log, toxiproxy))
            case "haproxy":
                found.append(proxies.haproxy(_DIRECT, log, folder))
            case _:
                found.append(Contender("direct", _DIRECT))
    return found


# --- figures --------------------------------------------------------------------------------------


def _cells(rows: Sequence[Row], contenders: Sequence[Contender], samples: Samples) -> list[Cell]:
    return [
        _cell(row, contender.name, samples)
        for row in rows
        for contender in contenders
        if samples.get((row.name, contender.name))
    ]


def _cell(row: Row, name: str, samples: Samples) -> Cell:
    own = samples[row.name, name]
    direct, pump = samples.get((row.name, "direct")), samples.get((row.name, "pump"))
    p99 = [s.measured.p99 for s in own if s.measured.p99 is not None]
    operations = sum(s.measured.operations for s in own)
    is_proxy = name != "direct"
    return Cell(
        row=row.name,
        contender=name,
        unit=row.unit,
        median=median(s.measured.value for s in own),
        p99=median(p99) if p99 else None,
        of_direct=_ratio(row, own, direct),
        of_pump=_ratio(row, own, pump),
        added_ms=_added_ms(row, own, direct) if is_proxy else None,
        cpu_us=sum(s.cpu_s for s in own) / operations * 1e6 if is_proxy else None,
        later_us=sum(s.later_s for s in own) / operations * 1e6 if is_proxy else None,
        operation=row.operation,
        frames_per_operation=sum(s.frames for s in own) / operations,
        all=tuple(s.measured.value for s in own),
    )


def _ratio(row: Row, own: Sequence[Sample], other: Sequence[Sample] | None) -> float | None:
    if not other:
        return None
    ratio = median(a.measured.value / b.measured.value for a, b in zip(own, other, strict=True))
    return ratio if row.more_is_better else 1 / ratio


def _added_ms(row: Row, own: Sequence[Sample], direct: Sequence[Sample] | None) -> float | None:
    """Beyond what the operation takes without a proxy, where one client does one at a time."""
    if not direct:
        return None
    pairs = [(_latency_ms(row, a), _latency_ms(row, b)) for a, b in zip(own, direct, strict=True)]
    added = [a - b for a, b in pairs if a is not None and b is not None]
    return median(added) if added else None


def _latency_ms(row: Row, sample: Sample) -> float | None:
    return sample.measured.latency_ms if row.more_is_better else sample.measured.value


def _machine() -> Mapping[str, object]:
    return {
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }


def _print_table(
    rows: Sequence[Row], contenders: Sequence[Contender], cells: Sequence[Cell]
) -> None:
    print(f"{'row':<34}{'contender':<11}{'median':>14}{'of direct':>11}{'of pump':>9}"
          f"{'added ms':>10}{'p99':>8}{'CPU µs, later':>16}  per")  # fmt: skip
    for row in rows:
        own = {cell.contender: cell for cell in cells if cell.row == row.name}
        for contender in contenders:
            cell = own.get(contender.name)
            if cell is None:
                why = contender.why_not or "no confluent-kafka"
                print(f"{row.name:<34}{contender.name:<11}  not measured: {why}")
                continue
            cpu = _cpu_text(cell)
            print(
                f"{row.name:<34}{cell.contender:<11}{_number(cell.median):>9} {cell.unit:<4}"
                f"{_ratio_text(cell.of_direct):>11}{_ratio_text(cell.of_pump):>9}"
                f"{'' if cell.added_ms is None else f'{cell.added_ms:.3f}':>10}"
                f"{'' if cell.p99 is None else f'{cell.p99:.2f}':>8}{cpu}"
            )
        print()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _cpu_text(cell: Cell) -> str:
    if cell.cpu_us is None or cell.later_us is None:
        return ""
    return f"{cell.cpu_us:>9,.1f}{cell.later_us:>7,.1f}  {cell.operation}"


def _ratio_text(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


if __name__ == "__main__":
    sys.exit(main())
