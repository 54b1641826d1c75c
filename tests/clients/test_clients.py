"""One flow in four client stacks: it runs as it is, and taps see and stop it alike.

Each script is run once for the module, its servers serve the stacks one after the other, and each
test looks at what came of one stack.
"""

import pytest

from harness.testing import isolated
from tests.clients.flow import ORDERS, STACKS, Told, with_taps, without_taps

pytestmark = pytest.mark.stack

KILLS = 3
"""Each stack; `benchmarks/clients.py` makes more."""


@pytest.fixture(scope="module")
def untapped(tmp_path_factory: pytest.TempPathFactory) -> Told:
    directory = tmp_path_factory.mktemp("untapped")
    told: Told = isolated(without_taps, str(directory), timeout_s=200)
    return told


@pytest.fixture(scope="module")
def tapped(tmp_path_factory: pytest.TempPathFactory) -> Told:
    directory = tmp_path_factory.mktemp("tapped")
    told: Told = isolated(with_taps, str(directory), KILLS, timeout_s=280)
    return told


def numbers(last: int) -> list[str]:
    """Order ids up to the last one."""
    return [str(number) for number in range(1, last + 1)]


@pytest.mark.parametrize("stack", STACKS)
def test_each_stack_does_the_whole_flow(untapped: Told, stack: str) -> None:
    """Orders 1, 2, 3, … with two lines each, and the records of all but perhaps the last."""
    told = untapped[stack]
    orders, records = told["orders"], told["records"]
    assert orders == numbers(len(orders))
    assert told["lines"] == [order for order in orders for _ in range(2)]
    assert records == orders[: len(records)]
    assert ORDERS <= len(records) >= len(orders) - 1
    assert told["ends"] == []


@pytest.mark.parametrize("stack", STACKS)
def test_the_same_flow_has_the_same_addresses_in_each_stack(tapped: Told, stack: str) -> None:
    """Whatever its clients do on the wire: prepare, pipeline, batch, commit without a text. What a
    client sends again is the same effect."""
    wanted = [
        address
        for key in numbers(ORDERS)
        for address in (
            f"writer/writer-db/commit(order_lines:insert,orders:insert)/{key}#1",
            f"writer/kafka-1/produce(orders.placed)/{key}#1",
        )
    ]
    assert list(dict.fromkeys(tapped[stack]["addresses"]))[: len(wanted)] == wanted
    assert tapped[stack]["problems"] == []


@pytest.mark.parametrize("stack", STACKS)
def test_each_kill_hits_between_commit_and_publication(tapped: Told, stack: str) -> None:
    """The order is committed and its record is not there, then and for good; every other order
    has its record."""
    told = tapped[stack]
    assert [kill for kill in told["kills"] if not kill["hit"]] == []
    assert [(kill["committed"], kill["published"]) for kill in told["kills"]] == [
        (True, False)
    ] * KILLS
    killed = {kill["key"] for kill in told["kills"]}
    assert len(killed) == KILLS
    orders, records = told["orders"], told["records"]
    assert orders == numbers(len(orders))
    # All but perhaps the one that was under way at the end.
    survivors = [order for order in orders if order not in killed]
    assert records == survivors[: len(records)]
    assert len(records) >= len(survivors) - 1
    assert told["ends"] == []
