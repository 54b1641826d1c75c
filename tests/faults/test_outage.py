"""Outages as text: what is meant, what fits, and what is refused with the form that it has."""

from pathlib import Path

import pytest

from faults.outage import DURATION_S, FORMS, Ill, Outage
from harness.errors import DeclarationError
from harness.model.system import Node, Role, System

SHOP = System(
    name="s",
    path=Path("s.yaml"),
    nodes=(
        Node(name="order-db", role=Role.POSTGRES),
        Node(name="order", role=Role.SERVICE),
        Node(name="review", role=Role.SERVICE),
    ),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("down:review", ("down", "review", DURATION_S, None, "")),
        ("down=120:review", ("down", "review", 120.0, None, "")),
        ("hang=0.5:order-db", ("hang", "order-db", 0.5, None, "")),
        ("errors=500:order/review", ("errors", "review", DURATION_S, "order", "500")),
        ("errors=503,10:*/review", ("errors", "review", 10.0, None, "503")),
        ("errors=404,2:client/order", ("errors", "order", 2.0, "client", "404")),
    ],
)
def test_an_outage_says_what_whom_and_how_long(text: str, expected: tuple[object, ...]) -> None:
    """`*` is everybody."""
    outage = Outage.parse(text)
    assert expected == (
        outage.ill.value, outage.node, outage.duration_s, outage.client, outage.status
    )  # fmt: skip
    assert outage.unfit(SHOP) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("down", FORMS[Ill.DOWN]),
        ("down:", FORMS[Ill.DOWN]),
        ("down:a:b", FORMS[Ill.DOWN]),
        ("down=soon:review", "'soon' is no number of seconds"),
        ("hang=0:review", "'0' is no number of seconds"),
        ("hang=-1:review", "'-1' is no number of seconds"),
        ("errors:order/review", "'' is no HTTP status of an error"),
        ("errors=200:order/review", "'200' is no HTTP status of an error"),
        ("errors=500,x:order/review", "'x' is no number of seconds"),
        ("errors=500:review", FORMS[Ill.ERRORS]),
        ("errors=500:order/review/x", FORMS[Ill.ERRORS]),
    ],
)
def test_what_is_wrong_is_told(text: str, says: str) -> None:
    """With the text and the form."""
    assert Outage.is_one(text)
    with pytest.raises(DeclarationError) as caught:
        Outage.parse(text)
    assert str(caught.value).startswith(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("down:nobody", "there is no node 'nobody'; there are order-db, order, review"),
        ("errors=500:nobody/review", "there is no client 'nobody'"),
        ("errors=500:order/order-db", "order-db is a postgres node and does not speak HTTP"),
    ],
)
def test_what_the_system_does_not_have_does_not_fit(text: str, says: str) -> None:
    """And why."""
    assert says in str(Outage.parse(text).unfit(SHOP))


def test_other_faults_are_none() -> None:
    """A point has a colon, too."""
    assert not Outage.is_one("kill:order:after:a/b/commit")
    assert not Outage.is_one("kill")
    assert [Outage.parse(t).needs_taps for t in ("down:a", "hang:a", "errors=500:a/b")] == [
        False, False, True
    ]  # fmt: skip
