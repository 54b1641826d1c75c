"""Addresses: text and back, and which effects a pattern covers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.address import Address, NoAddress, detail_of

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
PARTS = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=3)
EXACT = st.builds(
    lambda client, server, kind, detail, key, occurrence: Address(
        client=client,
        server=server,
        kind=kind,
        detail=detail_of(detail),
        key=key,
        occurrence=occurrence,
    ),
    client=NAMES,
    server=NAMES,
    kind=st.sampled_from(["commit", "produce", "offset-commit", "http"]),
    detail=PARTS.map(lambda parts: [p.strip() or "x" for p in parts]).filter(
        lambda parts: "*" not in parts
    ),
    key=st.text(min_size=1, max_size=12).filter(lambda key: key.strip() == key and key != "*"),
    occurrence=st.integers(min_value=1, max_value=99),
)


@pytest.mark.parametrize(
    "text",
    [
        "order/order-db/commit(orders:insert,outbox:insert)/17#1",
        "relay/kafka-1/produce(order.events)/17#2",
        "connect/order-db/flush(shop)/-#3",
        "client/order/http(POST:/orders/{}/cancel)/17#1",
        "order/order-db/commit(orders,*)",
        "order/order-db/commit",
        "*/kafka-1/*",
        "order/order-db/commit(orders)/17",
        "order/order-db/commit(orders)/*#3",
    ],
)
def test_an_address_is_read_and_written_alike(text: str) -> None:
    """The form that people type."""
    assert Address.parse(text).text == text


@given(EXACT)
def test_whatever_is_in_an_address_comes_back(address: Address) -> None:
    """Also what would be read as a part of it."""
    assert Address.parse(address.text) == address
    assert address.is_exact


@pytest.mark.parametrize("text", ["", "order", "order/db", "a/b/Commit", "a/b/c(x", "a/b/c/1/2"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """With the form that one has."""
    with pytest.raises(NoAddress, match=r"its form is CLIENT/SERVER/KIND\(DETAIL\)/KEY#N"):
        Address.parse(text)


def test_occurrences_are_counted_from_one() -> None:
    """There is no zeroth."""
    with pytest.raises(NoAddress, match="counted from 1"):
        Address.parse("a/b/commit(t)/1#0")


@pytest.mark.parametrize(
    "pattern, covers",
    [
        ("order/order-db/commit", True),
        ("order/order-db/commit(*)", True),
        ("order/order-db/commit(orders,*)", True),
        ("order/order-db/commit(orders:insert,*)", True),
        ("order/order-db/commit(orders,outbox)", True),
        ("order/order-db/commit(orders,outbox)/17", True),
        ("order/order-db/commit(orders,outbox)/*#9", True),
        ("*/order-db/*", True),
        ("order/order-db/commit(orders)", False),
        ("order/order-db/commit(orders:update,*)", False),
        ("order/order-db/commit(order,*)", False),
        ("order/order-db/commit(orders,stock,*)", False),
        ("order/order-db/commit(orders,outbox)/18", False),
        ("order/kafka-1/commit", False),
        ("relay/order-db/commit", False),
        ("order/order-db/flush", False),
    ],
)
def test_a_pattern_covers_what_it_names(pattern: str, covers: bool) -> None:
    """Tables without an operation are all of theirs; occurrences are counted elsewhere."""
    exact = Address.parse("order/order-db/commit(orders:insert,outbox:insert)/17#1")
    assert Address.parse(pattern).covers(exact) is covers


@given(EXACT)
def test_an_address_covers_itself(address: Address) -> None:
    """Else it could not be aimed at."""
    assert address.covers(address)
