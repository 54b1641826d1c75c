"""Toxics as they are written: what is said, what is left out, and what is refused."""

from dataclasses import replace

import pytest

from faults.toxic import DEFAULTS, FORMS, MECHANISM, PROOF, SAYS, Ail, Poison
from harness.errors import DeclarationError
from harness.model.scenario import Pattern
from harness.model.system import Link, Node, Role, System
from harness.model.toxic import Stream
from tests.faults.conftest import OUTBOX, SHOP

MORE = replace(SHOP, nodes=(*SHOP.nodes, Node(name="db", role=Role.MARIADB)))


@pytest.mark.parametrize(
    "text, amount, jitter, duration_s, link",
    [
        ("latency", 200, 50, 3.0, None),
        ("latency=100", 100, 0, 3.0, None),
        ("latency=100±20", 100, 20, 3.0, None),
        ("latency=100+-20,1.5:order/kafka-1", 100, 20, 1.5, ("order", "kafka-1")),
        ("latency,7", 200, 50, 7.0, None),
        ("latency:client/order", 200, 50, 3.0, ("client", "order")),
        ("timeout=0", 0, 0, 3.0, None),
    ],
)
def test_what_is_said_is_read(
    text: str, amount: int, jitter: int, duration_s: float, link: tuple[str, str] | None
) -> None:
    """And what is not said is the default."""
    poison = Poison.parse(text)
    assert Poison.is_one(text)
    assert (poison.amount, poison.jitter, poison.duration_s) == (amount, jitter, duration_s)
    assert poison.link == (None if link is None else Link(client=link[0], server=link[1]))
    assert poison.lasts_s > duration_s


@pytest.mark.parametrize("ail", Ail)
def test_every_ail_has_all_that_is_told_of_it(ail: Ail) -> None:
    """And toxics by Toxiproxy's own names."""
    assert all(ail in told for told in (FORMS, SAYS, MECHANISM, PROOF, DEFAULTS))
    poison = Poison.parse(ail.value)
    assert poison.toxics
    for toxic in poison.toxics:
        assert toxic.type == ail.value.replace("-", "_")
        assert toxic.type in MECHANISM[ail]
        assert all(value >= 0 for value in toxic.attributes.values())
    both = {toxic.stream for toxic in poison.toxics} == {*Stream}
    assert both is MECHANISM[ail].endswith("both ways")
    assert FORMS[ail].startswith(ail.value)


@pytest.mark.parametrize(
    "text, says",
    [
        ("latency=", "'' is no amount; the form is latency"),
        ("latency=fast", "'fast' is no amount"),
        ("latency=10±10", "the jitter must be less than the latency itself"),
        ("bandwidth=10±2", "'10±2' is no amount; the form is bandwidth"),
        ("bandwidth=0", "0 would do nothing"),
        ("slicer=9999999999", "is no amount"),
        ("latency,0", "'0' is no number of seconds"),
        ("latency,x", "'x' is no number of seconds"),
        ("latency:order", "the form is latency"),
        ("latency:order/", "the form is latency"),
        ("latency:a/b/c", "the form is latency"),
        ("latency:a/b:c", "the form is latency"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, says: str) -> None:
    """Beginning with what was said."""
    assert Poison.is_one(text)
    with pytest.raises(DeclarationError) as refused:
        Poison.parse(text)
    assert str(refused.value).startswith(f"{text}: ")
    assert says in str(refused.value)


def test_other_faults_are_none() -> None:
    """Whatever they begin with."""
    assert not any(map(Poison.is_one, ("late", "latency-x", "kill:order:after:x", "down:order")))


def test_without_a_link_it_is_the_one_on_which_events_leave() -> None:
    """Of the pattern."""
    poison = Poison.parse("latency")
    assert poison.link_under(OUTBOX, SHOP) == Link(client="relay", server="kafka-1")
    assert poison.unfit(OUTBOX, SHOP) is None
    without = System(name="s", path=SHOP.path, nodes=SHOP.nodes[:1] + SHOP.nodes[2:])
    assert poison.link_under(OUTBOX, without) is None
    assert "nobody publishes to a broker; name a link" in str(poison.unfit(OUTBOX, without))


@pytest.mark.parametrize(
    "link, says",
    [
        ("order/nobody", "there is no node 'nobody'; there are order-db, kafka-1"),
        ("nobody/order", "there is no node 'nobody'"),
        ("order/client", "there is no node 'client'"),
        ("order/order", "no tap stands on order→order"),
        ("kafka-1/kafka-1", "no tap stands on"),
        ("order/db", "order→db: there is no probe that speaks what a mariadb node speaks"),
    ],
)
def test_a_link_that_cannot_have_it_is_named(link: str, says: str) -> None:
    """With what keeps it from that."""
    assert says in str(Poison.parse(f"latency:{link}").unfit(OUTBOX, MORE))


@pytest.mark.parametrize("link", ["order/order-db", "relay/kafka-1", "client/order", "db/order"])
def test_any_other_link_will_do(link: str) -> None:
    """Customers' too."""
    unused = Pattern(name="p", promises="", writer="order", publisher="order")
    assert Poison.parse(f"timeout:{link}").unfit(unused, MORE) is None
