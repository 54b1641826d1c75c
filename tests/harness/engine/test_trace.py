from pathlib import Path

from harness.engine.trace import read_trace
from harness.model.address import Address
from harness.model.effect import Effect, EffectKind, Outcome
from harness.model.frame import FROM_CLIENT, FROM_SERVER, Frame
from harness.model.snapshot import EFFECTS_SCHEMA, TRACE_SCHEMA
from harness.tap.spool import Spool

ADDRESSES = tuple(
    Address.parse(f"relay/kafka-1/produce(order.events)/{key}") for key in ("17#1", "18#2")
)
EFFECT = Effect(
    number=4, client="relay", server="kafka-1", connection=3, kind=EffectKind.PRODUCE,
    detail=("order.events",), keys=("17", "18"), addresses=ADDRESSES,
)  # fmt: skip
WHO = ("relay", "kafka-1", 3)
SECOND = 1_000_000_000


def spooled(path: Path, *frames: tuple[float, Frame]) -> Path:
    spool = Spool(path)
    for at_s, frame in frames:
        spool.add(int((100 + at_s) * SECOND), WHO, frame, 0xAB, None)
    spool.close()
    return path


REQUEST = Frame(
    direction=FROM_CLIENT, first=0, end=90, kind="produce", keys=("17", "18"), effect=EFFECT,
    outcome=Outcome.REQUESTED,
)  # fmt: skip
ANSWER = Frame(
    direction=FROM_SERVER, first=0, end=40, kind="produce-acknowledged", effect=EFFECT,
    outcome=Outcome.ACKNOWLEDGED, topic="order.events", partition=2, offset=7,
)  # fmt: skip
LOST = Frame(direction=FROM_SERVER, first=40, end=40, kind="lost-sync", error="no Kafka")


def test_frames_have_the_time_of_the_scenario_and_their_link(tmp_path: Path) -> None:
    path = spooled(tmp_path / "s", (1.5, REQUEST), (1.75, ANSWER))
    trace = read_trace(path, scenario="sc", origin_ns=100 * SECOND)
    assert trace.frames.schema == TRACE_SCHEMA
    first, second = trace.frames.to_pylist()
    assert (first["seq"], first["at_s"], first["link"]) == (1, 1.5, "relay→kafka-1")
    assert (first["scenario"], first["digest"], first["size"]) == ("sc", "000000ab", 90)
    assert first["addresses"] == [a.text for a in ADDRESSES]
    assert (second["outcome"], second["partition"], second["offset"]) == ("acknowledged", 2, 7)
    assert trace.lost == ()


def test_an_effect_is_a_row_for_each_of_its_keys_with_what_became_of_it(tmp_path: Path) -> None:
    path = spooled(tmp_path / "s", (1.5, REQUEST), (1.75, ANSWER))
    effects = read_trace(path, scenario="sc", origin_ns=100 * SECOND).effects
    assert effects.schema == EFFECTS_SCHEMA
    rows = effects.to_pylist()
    assert [(r["key"], r["occurrence"], r["at_s"], r["answered_s"]) for r in rows] == [
        ("17", 1, 1.5, 1.75), ("18", 2, 1.5, 1.75)
    ]  # fmt: skip
    assert {r["outcome"] for r in rows} == {"acknowledged"}


def test_an_effect_without_an_answer_stays_asked_for(tmp_path: Path) -> None:
    path = spooled(tmp_path / "s", (1.5, REQUEST))
    rows = read_trace(path, scenario="sc", origin_ns=0).effects.to_pylist()
    assert {(r["outcome"], r["answered_s"]) for r in rows} == {("requested", None)}


def test_where_sync_was_lost_is_told_with_its_server(tmp_path: Path) -> None:
    path = spooled(tmp_path / "s", (1.0, LOST))
    (lost,) = read_trace(path, scenario="sc", origin_ns=0).lost
    assert lost.server == "kafka-1"
    assert lost.says == "relay→kafka-1, connection 3, in what the server sent: no Kafka"


def test_nothing_seen_is_empty_tables(tmp_path: Path) -> None:
    trace = read_trace(spooled(tmp_path / "s"), scenario="sc", origin_ns=0)
    assert (trace.frames.num_rows, trace.effects.num_rows) == (0, 0)
