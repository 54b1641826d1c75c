"""Points as text: what is understood, and what is refused with what there is instead."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.point import DURATIONS_S, SAYS, Action, Point, form_of
from harness.errors import DeclarationError
from harness.model.cut import When
from harness.model.system import Node, Role, System

COMMIT = "order/order-db/commit(orders:insert,outbox:insert)/17#1"
SHOP = System(
    name="s",
    path=Path("s.yaml"),
    nodes=(
        Node(name="order-db", role=Role.POSTGRES),
        Node(name="kafka-1", role=Role.KAFKA),
        Node(name="order", role=Role.SERVICE),
    ),
)
TILL = System(
    name="s",
    path=Path("s.yaml"),
    nodes=(*SHOP.nodes, Node(name="till-db", role=Role.MARIADB)),
)


def test_what_stands_after_the_third_colon_is_the_address() -> None:
    """Its own colons included."""
    point = Point.parse(f"kill:order:after:{COMMIT}")
    assert (point.action, point.node, point.trigger.when) == (Action.KILL, "order", When.AFTER)
    assert point.address.text == COMMIT
    assert point.text == f"kill:order:after:{COMMIT}"


@pytest.mark.parametrize(
    "action, duration_s",
    [
        ("kill", 0.0), ("pause", 2.0), ("cut", 2.0), ("reset", 0.0), ("hold", 3.0),
        ("swallow", 0.0), ("pause=0.5", 0.5), ("cut=7", 7.0), ("hold=5", 5.0),
    ],
)  # fmt: skip
def test_an_action_lasts_as_long_as_it_says(action: str, duration_s: float) -> None:
    """Or as long as such a one does."""
    point = Point.parse(f"{action}:order:after:{COMMIT}")
    assert point.action is Action(action.partition("=")[0])
    assert (point.duration_s, point.error) == (duration_s, None)


def test_an_error_has_its_code() -> None:
    """On either side of the effect."""
    for when in When:
        point = Point.parse(f"error=40001:order:{when.value}:{COMMIT}")
        assert (point.error, point.trigger.when) == ("40001", when)


@given(
    action=st.sampled_from([a for a in Action if a is not Action.ERROR]),
    when=st.sampled_from(When),
    seconds=st.none() | st.floats(min_value=0.01, max_value=100).map(lambda s: round(s, 2)),
)
def test_a_point_is_what_its_text_says(action: Action, when: When, seconds: float | None) -> None:
    """Whatever is put together is taken apart again."""
    timed = action in DURATIONS_S and seconds is not None
    text = f"{action.value}{f'={seconds}' if timed else ''}:order:{when.value}:{COMMIT}"
    if action is Action.SWALLOW and when is When.BEFORE:
        return
    point = Point.parse(text)
    assert (point.action, point.trigger.when, point.text) == (action, when, text)
    assert point.duration_s == (seconds if timed else DURATIONS_S.get(action, 0.0))


@pytest.mark.parametrize(
    "text, says",
    [
        ("kill:order", "the form of a point is ACTION:NODE:before|after:ADDRESS"),
        (f"kil:order:after:{COMMIT}", "no action 'kil'; there are kill, pause[=SECONDS], cut"),
        (f"kill=1:order:after:{COMMIT}", "kill takes no value"),
        (f"hold=:order:after:{COMMIT}", "'' is no number of seconds; say hold=2.5"),
        (f"hold=0:order:after:{COMMIT}", "'0' is no number of seconds"),
        (f"hold=-1:order:after:{COMMIT}", "'-1' is no number of seconds"),
        (f"hold=inf:order:after:{COMMIT}", "'inf' is no number of seconds"),
        (f"error:order:after:{COMMIT}", "error wants a code, as in error=40001"),
        (f"error=:order:after:{COMMIT}", "error wants a code"),
        (f"error=503:order:after:{COMMIT}", "'503' is no error of a commit; it takes an SQLSTATE"),
        ("error=x:order:after:order/kafka-1/produce(t)", "it takes a Kafka error code"),
        ("error=40001:order:after:client/order/http(POST:/orders)", "it takes an HTTP status"),
        (f"kill:order:during:{COMMIT}", "'during' is neither before nor after"),
        ("kill:order:after:order-db", "'order-db' is no address: its form is CLIENT/SERVER/KIND"),
        ("kill:order:after:order/order-db/comit(orders)", "there is no effect 'comit'; there are"),
        (f"swallow:order:before:{COMMIT}", "there is no answer to swallow before the effect"),
        ("swallow:connect:after:connect/order-db/flush", "nothing answers a flush"),
        ("error=1:connect:before:connect/order-db/flush", "nothing answers a flush"),
        (f"cut:kafka-1:after:{COMMIT}", "cut strikes the link order→order-db, and kafka-1 is"),
        ("cut:order:after:client/order/http(POST:/orders)", "only links between nodes can be cut"),
    ],
)
def test_what_is_no_point_is_refused_with_what_there_is(text: str, says: str) -> None:
    """One message, which begins with what was given."""
    with pytest.raises(DeclarationError) as refused:
        Point.parse(text)
    assert str(refused.value).startswith(f"{text}: ")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "text, says",
    [
        (f"kill:relay:after:{COMMIT}", "no node 'relay'; there are order-db, kafka-1, order"),
        ("kill:order:after:relay/kafka-1/produce(t)", "no client 'relay'; there are order-db"),
        ("kill:order:after:order/kafka-2/produce(t)", "no server 'kafka-2'; there are order-db"),
        ("kill:order:after:order/client/http(POST:/)", "no server 'client'"),
        (f"kill:order:after:{COMMIT}", None),
        ("kill:order:after:*/*/*", None),
        ("hold:order:before:client/order/http(POST:/orders)", None),
        ("cut:order:after:*/order-db/commit", None),
    ],
)
def test_a_point_fits_a_system_that_has_its_nodes(text: str, says: str | None) -> None:
    """What is missing is named with what there is; `client` is the workload."""
    told = Point.parse(text).unfit(SHOP)
    assert told is None if says is None else told is not None and says in told


def test_mariadb_has_no_points() -> None:
    """Its protocol is forwarded unread, and who asks is told so."""
    told = Point.parse("kill:order:after:order/till-db/commit(orders,*)").unfit(TILL)
    assert told is not None
    assert "MariaDB's protocol has no points" in told
    assert Point.parse("kill:order:after:order/*/commit").unfit(TILL) is None


@pytest.mark.parametrize(
    "place, names_one",
    [
        ("order/order-db/commit(orders,*)", False),
        ("order/order-db/commit(orders,*)/*", False),
        ("connect/order-db/flush(shop)/-", False),
        ("connect/order-db/flush(shop)/-#3", True),
        ("order/order-db/commit(orders,*)/*#3", True),
        ("order/order-db/commit(orders,*)/17", True),
        (COMMIT, True),
    ],
)
def test_a_point_with_a_key_or_a_number_names_one_effect(place: str, names_one: bool) -> None:
    """Which may come as soon as the workload begins."""
    assert Point.parse(f"kill:order:after:{place}").names_one is names_one


def test_its_target_is_what_is_struck() -> None:
    """A node, or the effect's link."""
    assert Point.parse(f"pause:order-db:after:{COMMIT}").target == "order-db"
    assert Point.parse(f"reset:order:after:{COMMIT}").target == "order→order-db"


def test_every_action_says_what_it_does_and_how_it_is_written() -> None:
    """For people who look for one."""
    assert set(SAYS) == set(Action)
    assert [form_of(action) for action in Action] == [
        "kill", "pause[=SECONDS]", "cut[=SECONDS]", "reset", "hold[=SECONDS]", "swallow",
        "error=CODE",
    ]  # fmt: skip
