"""`aftershock run` on the real stack."""

import io
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

import faults
from harness.cli import suites
from harness.cli.matrix import system_of
from harness.report.terminal import summary
from harness.toolchain.cache import default_cache
from tests.command import Aftershock, Answer
from tests.harness.cli.conftest import Started
from tests.shown import assert_printed, page

pytestmark = pytest.mark.stack

COMMIT = "order/order-db/commit(orders:insert)"


def test_the_control_loses_exactly_the_orders_that_were_cut(control_run: Answer) -> None:
    """Committed and not published when the writer died is what no topic has in the end."""
    (scenario,) = control_run.json["scenarios"]
    (fault,) = scenario["faults"]
    lost = next(v for v in scenario["violations"] if v["invariant"] == "no-event-lost")
    assert control_run.code == 0, control_run.err
    assert scenario["verdict"] == "VIOLATION" and scenario["as_expected"] and scenario["control"]
    assert fault["proved"] and fault["injected_at"] < fault["healed_at"]
    assert lost["keys"] == fault["evidence"]["achieved"]["cut_keys"] != []


def test_json_is_the_only_thing_on_standard_output(control_run: Answer) -> None:
    """Progress goes to stderr; the document has every field of the contract."""
    document = control_run.json
    scenario = document["scenarios"][0]
    assert document["schema"] == 1 and document["exit_code"] == control_run.code
    assert {"verdict", "run_dir", "scenarios", "timings"} <= document.keys()
    assert {
        "suite", "pattern", "fault", "seed", "control", "as_expected", "verdict", "reason",
        "duration_s", "ops", "faults", "violations", "checked",
    } <= scenario.keys()  # fmt: skip
    assert scenario["ops"].keys() == {"ok", "fail", "info"} and scenario["ops"]["ok"] > 0
    assert document["timings"]["ready_s"] > 0 and document["peak_memory_mib"] > 0
    assert all(count > 0 for count in scenario["checked"].values())
    assert "phase workload" in control_run.err


def test_the_first_run_is_what_the_tutorial_shows(control_run: Answer) -> None:
    """The fixture's run is the tutorial's, with --json."""
    text = page("tutorial/first-run.md")
    command = "run shop --pattern dual-write --fault kill-between-commit-and-publish --seed 7"
    assert f"aftershock {command}\n" in text
    printed = io.StringIO()
    console = Console(file=printed, width=100, highlight=False, soft_wrap=True)
    summary(control_run.json, Path(control_run.json["run_dir"]), console)
    assert_printed(text, printed.getvalue())


def test_the_run_directory_holds_what_the_contract_names(control_run: Answer) -> None:
    """History, snapshot, logs and reports, the key being the order's id everywhere."""
    run_dir = Path(control_run.json["run_dir"])
    snapshot = run_dir / "snapshot"
    files = ("results.json", "report.html", "junit.xml", "summary.md", "history.parquet")
    assert [name for name in files if not (run_dir / name).is_file()] == []
    logs = {path.stem for path in (run_dir / "logs").glob("*.log")}
    assert {"order", "inventory", "shipping", "payment", "order-db", "kafka-1"} <= logs
    records = pq.read_table(snapshot / "kafka.order.events.parquet")
    wanted = {"partition", "offset", "timestamp", "key", "value", "headers"}
    assert wanted <= set(records.column_names)
    orders = pq.read_table(snapshot / "db.order-db.orders.parquet")["order_id"].to_pylist()
    keys = records["key"].to_pylist()
    assert keys and set(keys) <= set(orders)


def test_an_injector_that_does_nothing_is_called_out_by_its_probe(
    aftershock: Aftershock, small: str, tmp_path: Path
) -> None:
    """Every fault of the catalogue that fits, sabotaged: INCONCLUSIVE, never PASS."""
    suite = suites.load(small)
    pattern = suite.pattern("outbox-cdc")
    system = system_of(suite, pattern)
    fitting = [n for n, kind in faults.CATALOGUE.items() if not kind.unfit(pattern, system)]
    assert {"kill", "connect-kill", "broker-partition", "connector-restart"} <= set(fitting)
    assert set(pattern.points) <= set(fitting)
    chosen = [part for fault in fitting for part in ("--fault", fault)]
    answer = aftershock(
        "run", small, "--pattern", "outbox-cdc", *chosen, "--sabotage-injectors", "--offline",
        "--seed", "11", "--duration", "1", "--json", "--out", str(tmp_path),
    )  # fmt: skip
    verdicts = {s["fault"]: s["verdict"] for s in answer.json["scenarios"]}
    proved = [f["proved"] for s in answer.json["scenarios"] for f in s["faults"]]
    assert verdicts == dict.fromkeys(fitting, "INCONCLUSIVE")
    assert proved == [False] * len(fitting)
    assert answer.code == 2


def test_a_sound_pattern_holds_under_every_kill(
    aftershock: Aftershock, small: str, tmp_path: Path
) -> None:
    """Both kills of the catalogue that the default matrix leaves out, proved."""
    answer = aftershock(
        "run", small, "--pattern", "outbox-cdc", "--fault", "kill", "--fault", "connect-kill",
        "--offline", "--seed", "12", "--json", "--out", str(tmp_path),
    )  # fmt: skip
    told = [(s["fault"], s["verdict"], s["reason"]) for s in answer.json["scenarios"]]
    assert [t[:2] for t in told] == [("kill", "PASS"), ("connect-kill", "PASS")], told
    assert answer.code == 0
    slugs = ("outbox-cdc--kill", "outbox-cdc--connect-kill")
    run_dir = Path(answer.json["run_dir"])
    assert [s for s in slugs if not (run_dir / "scenarios" / s / "snapshot").is_dir()] == []


@pytest.mark.parametrize("when, rows", [("after", 1), ("before", 0)])
def test_a_point_is_struck_on_the_side_that_was_meant(
    when: str, rows: int, aftershock: Aftershock, small: str, tmp_path: Path
) -> None:
    """Killed after its commit an order is there and its record is not; before it, neither is.

    Another thread may have stood between commit and publish in the same moment.
    """
    fault = f"kill:order:{when}:{COMMIT}/5#1"
    answer = aftershock(
        "run", small, "-p", "dual-write", "-f", fault, "--offline", "--json",
        "--out", str(tmp_path),
    )  # fmt: skip
    (scenario,) = answer.json["scenarios"]
    (struck,) = scenario["faults"]
    evidence = struck["evidence"]
    assert "aftershock: --seed 1, as in `aftershock list points`" in answer.err
    assert scenario["seed"] == 1 and scenario["fault"] == struck["name"] == fault
    assert struck["proved"] and struck["misfired"] is None, struck
    assert evidence["intended_cut"]["address"] == f"{COMMIT}/5#1"
    assert evidence["achieved_cut"]["when"] == when
    assert evidence["achieved_cut"]["done"] is bool(rows)
    run_dir = Path(answer.json["run_dir"])
    table = pq.read_table(run_dir / "snapshot" / "db.order-db.orders.parquet")
    assert table["order_id"].to_pylist().count("5") == rows
    lost = [
        k for v in scenario["violations"] if v["invariant"] == "no-event-lost" for k in v["keys"]
    ]
    assert ("5" in lost) is bool(rows)
    if rows:
        assert lost == evidence["achieved"]["cut_keys"]


def test_a_point_that_does_not_come_did_not_fire(
    aftershock: Aftershock, small: str, tmp_path: Path
) -> None:
    """There are 40 orders; what was asked for is in the evidence all the same."""
    fault = f"kill:order:after:{COMMIT}/41#1"
    answer = aftershock(
        "run", small, "-p", "dual-write", "-f", fault, "--seed", "1", "--offline", "--json",
        "--out", str(tmp_path),
    )  # fmt: skip
    (scenario,) = answer.json["scenarios"]
    (struck,) = scenario["faults"]
    assert (scenario["verdict"], answer.code) == ("NOT_FIRED", 2)
    assert not struck["fired"] and struck["evidence"]["achieved_cut"] is None
    assert struck["evidence"]["intended_cut"]["asked"] == f"{COMMIT}/41#1"


MOMENTS = (
    "starting the servers", "node inventory-db: ready", "node kafka-1: ready", "phase start",
    "node order: ready", "node inventory: ready", "phase workload", "▲", "phase quiesce",
    "phase collect",
)  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_harness_leaves_nothing_that_clean_does_not_remove(
    moment: str, started: Callable[..., Started], aftershock: Aftershock
) -> None:
    """SIGKILL at nine moments: the kernel ends every process at once, `clean` does the rest."""
    run = started("--pattern", "dual-write", "--fault", "broker-partition", "--seed", "3")
    run.until(moment)
    (place,) = (
        p for p in (default_cache() / "runs").iterdir() if str(run.process.pid) in _keeper(p)
    )
    assert _living_in(place) != []
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait(timeout=10)
    deadline = time.monotonic() + 10
    while _living_in(place):
        assert time.monotonic() < deadline, _living_in(place)
    cleaned = aftershock("clean")
    assert str(place) in cleaned.out and not place.exists()
    assert [
        line for line in Path("/proc/mounts").read_text().splitlines() if place.name in line
    ] == []


def _keeper(place: Path) -> str:
    path = place / "keeper.json"
    return path.read_text() if path.exists() else ""


def _living_in(place: Path) -> list[str]:
    """Every process that was started from the place: its command line or environment says so."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if place.name.encode() in told:
            found.append(process.name)
    return found + _harnesses(place)


def _harnesses(place: Path) -> list[str]:
    """The harness has the run's ledger or disks in no argument: it is known by its parent."""
    keeper = _keeper(place).partition('"pid": ')[2].partition(",")[0]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            status = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if status[1] == keeper and status[0] != "Z":
            found.append(process.name)
    return found


def test_ctrl_c_heals_collects_and_reports(started: Callable[..., Started]) -> None:
    """Once: the fault is healed, what happened is kept and shown, the run is undecided."""
    run = started("--pattern", "dual-write", "--fault", "broker-partition", "--seed", "3")
    run.until("▲")
    run.process.send_signal(signal.SIGINT)
    _, err = run.process.communicate(timeout=120)
    assert run.process.returncode == 2, err
    assert "▽ broker-partition" in err
    assert "interrupted" in (run.run_dir / "results.json").read_text()
    kept = ("report.html", "history.parquet", "snapshot/db.order-db.orders.parquet")
    assert [name for name in kept if not (run.run_dir / name).is_file()] == []


def test_a_broker_that_dies_and_never_returns_is_the_rigs_failure(
    started: Callable[..., Started],
) -> None:
    """One clear message that names the node, exit code 2, and no verdict about the pattern."""
    run = started("--pattern", "dual-write", "--fault", "none", "--seed", "3")
    run.until("phase workload")
    (place,) = (
        p for p in (default_cache() / "runs").iterdir() if str(run.process.pid) in _keeper(p)
    )
    (place / "nodes" / "kafka-1" / "data" / "meta.properties").write_text("broken")
    java = next(p for p in Path("/proc").glob("[0-9]*") if _is_broker(p, place))
    os.kill(int(java.name), signal.SIGKILL)
    _, err = run.process.communicate(timeout=150)
    assert run.process.returncode == 2, err
    assert "kafka-1 ended" in (run.run_dir / "results.json").read_text()


def _is_broker(process: Path, place: Path) -> bool:
    try:
        command = (process / "cmdline").read_bytes()
    except OSError:
        return False
    return b"kafka.Kafka" in command and place.name.encode() in command


def test_a_full_disk_is_one_message(aftershock: Aftershock, small: str, tmp_path: Path) -> None:
    """The results' disk has no room for a snapshot: undecided, the path is named, no traceback."""
    disk = tmp_path / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(disk)], check=True)
    try:
        answer = aftershock(
            "run", small, "-p", "dual-write", "-f", "none", "--offline", "--out", str(disk)
        )
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert answer.code == 2
    assert "no space left on the disk" in answer.err and str(disk) in answer.err
    assert "Traceback" not in answer.err


def test_a_machine_without_namespaces_is_told_so(aftershock: Aftershock, tmp_path: Path) -> None:
    """What is refused, and where to look, in one message; exit code 254."""
    answer = aftershock(
        "run", "--offline", "--out", str(tmp_path),
        prefix=("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"),
    )  # fmt: skip
    assert answer.code == 254
    assert "capability SYS_ADMIN" in answer.err and "Traceback" not in answer.err
