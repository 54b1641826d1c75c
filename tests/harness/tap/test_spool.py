from pathlib import Path

from harness.model.address import Address
from harness.model.effect import Effect, EffectKind, Outcome
from harness.model.frame import FROM_CLIENT, Frame
from harness.tap.spool import COLUMNS, Spool, read_spool

ADDRESS = Address.parse("a/b/commit(orders:insert)/17#1")
EFFECT = Effect(
    number=4, client="a", server="b", connection=3, kind=EffectKind.COMMIT,
    detail=("orders:insert",), keys=("17",), addresses=(ADDRESS,),
)  # fmt: skip


def frame(kind: str) -> Frame:
    return Frame(
        direction=FROM_CLIENT, first=10, end=25, kind=kind, name="COMMIT", keys=("17",),
        effect=EFFECT, outcome=Outcome.REQUESTED,
    )  # fmt: skip


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s")
    for number in range(3000):
        spool.add(number, ("a", "b", 3), frame(f"k{number}"), 0xBEEF, b"pay")
    spool.close()
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in read_spool(tmp_path / "s")]
    assert [row["seq"] for row in rows] == list(range(1, 3001))
    assert rows[7] == {
        "seq": 8, "time_ns": 7, "node": "a", "server": "b", "connection": 3,
        "direction": "client", "kind": "k7", "name": "COMMIT", "keys": ("17",), "effect": 4,
        "addresses": (ADDRESS.text,), "outcome": "requested", "xid": None, "lsn": None,
        "topic": None, "partition": None, "offset": None, "size": 15, "digest": 0xBEEF,
        "error": None, "payload": b"pay", "positions": (),
    }  # fmt: skip


def test_a_spool_that_was_cut_off_keeps_what_was_whole(tmp_path: Path) -> None:
    path = tmp_path / "s"
    spool = Spool(path)
    spool.add(1, ("a", "b", 3), frame("first"), None, None)
    spool.flush()
    whole = path.stat().st_size
    spool.add(2, ("a", "b", 3), frame("second"), None, None)
    spool.close()
    path.write_bytes(path.read_bytes()[: whole + 9])
    assert [row[COLUMNS.index("kind")] for row in read_spool(path)] == ["first"]


def test_without_a_file_frames_are_counted_only() -> None:
    spool = Spool()
    spool.add(1, ("a", "b", 3), frame("first"), None, None)
    spool.close()
    assert spool.seq == 1


def test_a_full_disk_is_said_and_stops_nobody() -> None:
    spool = Spool(Path("/dev/full"))
    spool.add(1, ("a", "b", 3), frame("first"), None, None)
    spool.flush()
    assert spool.error == "No space left on device"
    spool.add(2, ("a", "b", 3), frame("second"), None, None)
    spool.close()
    assert spool.seq == 2
