"""Points of the wire in containers: kills before and after effects on three kinds of links, by the
stores' own word, and a toxic on the same link as a point."""

from tests.command import Aftershock

PRODUCE = "relay/kafka-1/produce(order.events)"
OFFSET = "inventory/kafka-1/offset-commit(inventory:order.events)"
COMMIT = "inventory/inventory-db/commit(stock_movements,*)"
POINTS = (
    f"kill:relay:before:{PRODUCE}", f"kill:relay:after:{PRODUCE}",
    f"kill:inventory:before:{OFFSET}", f"kill:inventory:after:{OFFSET}",
    f"kill:inventory:before:{COMMIT}",
)  # fmt: skip
TOXIC = "latency,1:relay/kafka-1"


def test_kills_achieve_the_cut_that_was_meant_and_a_toxic_is_proved(aftershock: Aftershock) -> None:
    """The outbox holds under each."""
    faults = [part for fault in (*POINTS, TOXIC) for part in ("--fault", fault)]
    answer = aftershock(
        "run", "shop", "--backend", "docker", "--pattern", "outbox-polling", *faults,
        "--seed", "3", "--json",
    )  # fmt: skip

    assert answer.code == 0, answer.err[-3000:] + answer.out[-2000:]
    struck = {s["fault"]: s["faults"][0] for s in answer.json["scenarios"]}
    assert struck.keys() == {*POINTS, TOXIC}
    assert all(fault["proved"] for fault in struck.values()), struck
    for point in POINTS:
        evidence = struck[point]["evidence"]
        assert evidence["achieved_cut"]["when"] == point.split(":")[2], evidence
        assert evidence["intended_cut"]["when"] == evidence["achieved_cut"]["when"], evidence
        assert struck[point]["misfired"] is None, evidence
