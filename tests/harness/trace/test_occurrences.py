"""Which one of its key an effect is."""

from hypothesis import given
from hypothesis import strategies as st

from harness.model.address import Address
from harness.trace.occurrences import Occurrences, Place

COMMIT: Place = ("order", "order-db", "commit", ("orders:insert",))
PRODUCE: Place = ("order", "kafka-1", "produce", ("order.events",))


def texts(addresses: tuple[Address, ...]) -> list[str]:
    return [address.text for address in addresses]


def test_each_key_is_counted_by_itself() -> None:
    """In each place."""
    found = Occurrences()
    assert texts(found.addresses(COMMIT, ("17",))) == ["order/order-db/commit(orders:insert)/17#1"]
    assert texts(found.addresses(COMMIT, ("17", "18"))) == [
        "order/order-db/commit(orders:insert)/17#2",
        "order/order-db/commit(orders:insert)/18#1",
    ]
    assert texts(found.addresses(PRODUCE, ("17",))) == ["order/kafka-1/produce(order.events)/17#1"]
    assert texts(found.addresses(PRODUCE, ())) == ["order/kafka-1/produce(order.events)/-#1"]


def test_what_is_repeated_keeps_its_address() -> None:
    """And is not counted once more."""
    found = Occurrences()
    for _ in range(2):
        found.addresses(PRODUCE, ("17",))
    again = found.addresses(PRODUCE, ("17",), {"17": 1})
    assert texts(again) == ["order/kafka-1/produce(order.events)/17#1"]
    assert found.count(Address.parse("order/kafka-1/produce")) == 2


@given(st.lists(st.lists(st.sampled_from("abc"), unique=True, max_size=3)))
def test_patterns_count_effects(effects: list[list[str]]) -> None:
    """Whatever keys they have: an effect is one."""
    found = Occurrences()
    for keys in effects:
        found.addresses(COMMIT, tuple(sorted(keys)))
    assert found.count(Address.parse("*/order-db/*")) == len(effects)
    assert found.count(Address.parse("*/*/commit(orders)/a")) == sum("a" in e for e in effects)
    assert found.count(Address.parse("*/*/commit/-")) == sum(not e for e in effects)
    assert found.count(Address.parse("*/*/produce")) == 0
