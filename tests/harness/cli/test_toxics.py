"""A toxic on the small shop, on the real stack: proved and healed, and a lame injector called out."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.command import Aftershock


@pytest.mark.stack
def test_a_toxic_is_proved_and_healed_and_the_pattern_holds(
    aftershock: Aftershock, small: str, tmp_path: Path
) -> None:
    """On a link that lives longer than a scenario, and on one of the scenario's own."""
    answer = aftershock(
        "run", small, "-p", "outbox-cdc", "-f", "latency", "-f", "reset-peer,1:connect/order-db",
        "-f", "none", "--seed", "1", "--offline", "--json", "--out", str(tmp_path),
    )  # fmt: skip
    assert answer.code == 0, answer.err
    latency, reset, none = answer.json["scenarios"]
    assert [s["verdict"] for s in (latency, reset, none)] == ["PASS"] * 3
    for scenario, link in ((latency, "connect→kafka-1"), (reset, "connect→order-db")):
        (fault,) = scenario["faults"]
        assert (fault["target"], fault["proved"]) == (link, True)
    trips = latency["faults"][0]["evidence"]["during"]["measured"]["round_trips_ms"]
    assert all(150 <= trip < 1000 for trip in trips)
    trace = pq.read_table(Path(answer.json["run_dir"]) / "trace.parquet")
    assert "produce" in set(trace["kind"].to_pylist())


@pytest.mark.stack
def test_an_injector_that_does_nothing_is_called_out(
    aftershock: Aftershock, small: str, tmp_path: Path
) -> None:
    """By what is measured on the link."""
    answer = aftershock(
        "run", small, "-p", "dual-write", "-f", "latency", "--sabotage-injectors", "--seed", "1",
        "--offline", "--json", "--out", str(tmp_path),
    )  # fmt: skip
    (scenario,) = answer.json["scenarios"]
    assert (answer.code, scenario["verdict"]) == (2, "INCONCLUSIVE"), answer.err
