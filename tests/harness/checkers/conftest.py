"""A scenario's directory with a few tables, ready to be judged."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from harness.files import write_parquet
from harness.model.op import OpCounts
from harness.model.record import ScenarioRecord
from harness.model.scenario import Scenario
from harness.model.snapshot import HISTORY_SCHEMA, QUIESCENCE_SCHEMA

Columns = Mapping[str, list[Any]]
Make = Callable[..., ScenarioRecord]

AT_REST = pa.Table.from_pylist(
    [{"condition": "lag 0", "met": True, "waited_s": 0.1, "detail": ""}], schema=QUIESCENCE_SCHEMA
)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a collected scenario of pattern `p` from tables by name, each as columns."""

    def made(tables: Mapping[str, Columns], *, fault: str = "none") -> ScenarioRecord:
        snapshot = tmp_path / "snapshot"
        snapshot.mkdir()
        write_parquet(tmp_path / "history.parquet", HISTORY_SCHEMA.empty_table())
        write_parquet(snapshot / "quiescence.parquet", AT_REST)
        for name, columns in tables.items():
            write_parquet(snapshot / f"{name}.parquet", pa.table(dict(columns)))
        return ScenarioRecord(
            dir=tmp_path,
            scenario=Scenario(suite="s", pattern="p", fault=fault, seed=1),
            ops=OpCounts(ok=3),
            collected=True,
        )

    return made
