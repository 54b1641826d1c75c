"""`aftershock run` of a pattern whose services have to be built, in JavaScript and with MariaDB."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.cli import run, suites
from harness.cli.matrix import system_of
from harness.cli.run import Request
from harness.environments import nodejs
from harness.errors import DeclarationError
from tests.command import Aftershock


@pytest.mark.stack
def test_services_in_two_languages_keep_what_one_keeps(
    aftershock: Aftershock, tmp_path: Path
) -> None:
    """Every order is charged in MariaDB, told from there and has its receipt in PostgreSQL."""
    answer = aftershock(
        "run", "shop", "-p", "polyglot", "-f", "none", "--seed", "3", "--offline", "--json",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert answer.code == 0, answer.err
    (scenario,) = answer.json["scenarios"]
    snapshot = Path(answer.json["run_dir"]) / "snapshot"
    own = {"payments-told", "receipt-exactly-once", "payment-outbox-drained", "money-conserved"}
    assert scenario["verdict"] == "PASS", scenario["reason"]
    assert all(scenario["checked"][invariant] > 0 for invariant in own)
    movements = pq.read_table(snapshot / "db.payment-db.payment_movements.parquet")
    receipts = pq.read_table(snapshot / "db.receipts-db.receipts.parquet")
    assert movements.num_rows == receipts.num_rows > 0


def test_without_node_the_extra_is_named_and_nothing_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A declaration error, exit code 254; and only for whom it concerns."""
    monkeypatch.setattr(nodejs, "path", lambda: "/nowhere")
    request = Request(patterns=["polyglot"], out=tmp_path / "results", cache=tmp_path / "cache")
    with pytest.raises(DeclarationError, match=r"pip install 'aftershock\[polyglot\]'"):
        run.run(request)

    assert list(tmp_path.iterdir()) == []
    shop = suites.load("shop")
    for pattern in shop.patterns:
        if pattern.name != "polyglot":
            nodejs.require(system_of(shop, pattern))
