"""The geometry of sequence diagrams: lanes in the order of travel, time running down."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.cut import When
from harness.report.blow import Blow
from harness.report.sequence import cut_label, diagram_of, lanes_of
from harness.report.wire import Message, Shape

COMMIT = "order/order-db/commit(orders:insert)/17#1"
PRODUCE = "order/kafka-1/produce(order.events)/17#1"
ROLES = {"order": "service"}


def message(
    way: str, at_s: float, label: str = "", address: str = "", *, context: bool = False
) -> Message:
    """`order>order-db` asks, `order<order-db` answers."""
    from_client = ">" in way
    client, server = way.split(">" if from_client else "<")
    shape = Shape.REQUEST if from_client else Shape.ANSWER
    return Message(
        seq=1,
        at_s=at_s,
        client=client,
        server=server,
        from_client=from_client,
        shape=Shape.CONTEXT if context else shape,
        label=label or way,
        says=f"{way} {label}",
        address=address,
    )


FLOW = (
    message("client>order", 1.0, "POST /orders"),
    message("order>order-db", 1.002, "COMMIT orders:insert", COMMIT),
    message("order<order-db", 1.003, "acknowledged", COMMIT),
    message("order>kafka-1", 1.004, "PRODUCE order.events", PRODUCE),
    message("order<kafka-1", 1.006, "acknowledged", PRODUCE),
)
KILL = Blow(
    name="kill:order:after:x",
    nodes=("order",),
    at_s=1.0035,
    until_s=3.0,
    address=COMMIT,
    when=When.AFTER,
    loses=True,
)


def names(*messages: Message) -> list[str]:
    return [lane.name for lane in lanes_of(messages, (), {})]


def test_lanes_stand_in_the_order_in_which_the_key_comes_by() -> None:
    """With the role of each node that is known."""
    assert names(*FLOW) == ["client", "order", "order-db", "kafka-1"]
    lanes = lanes_of(FLOW, (), ROLES)
    assert [lane.role for lane in lanes] == ["", "service", "", ""]
    assert [lane.x for lane in lanes] == sorted(lane.x for lane in lanes)


def test_a_server_of_one_node_stands_beside_it() -> None:
    """However late it comes by; shared ones keep their place."""
    found = names(
        message("order>kafka-1", 1.0),
        message("stock>kafka-1", 1.1),
        message("ship>kafka-1", 1.2),
        message("ship>ship-db", 1.3),
        message("stock>stock-db", 1.4),
    )
    assert found == ["order", "kafka-1", "stock", "stock-db", "ship", "ship-db"]


def test_arrows_go_from_lane_to_lane_and_down_in_time() -> None:
    """Answers go back."""
    diagram = diagram_of("17", FLOW)
    x = {lane.name: lane.x for lane in diagram.lanes}
    assert [(a.x1, a.x2) for a in diagram.arrows] == [
        (x["client"], x["order"]),
        (x["order"], x["order-db"]),
        (x["order-db"], x["order"]),
        (x["order"], x["kafka-1"]),
        (x["kafka-1"], x["order"]),
    ]
    ys = [a.y for a in diagram.arrows]
    assert ys == sorted(set(ys))
    assert diagram.pauses == ()
    assert diagram.bottom > ys[-1]


def test_the_clock_stands_at_the_top_and_behind_each_silence() -> None:
    """Between them it is the distance from the row above."""
    later = replace(FLOW[1], at_s=2.5)
    diagram = diagram_of("17", (FLOW[0], replace(FLOW[1], at_s=1.0004), later))
    assert [(t.label, t.is_clock) for t in diagram.ticks] == [
        ("+1.000 s", True),
        ("+0.4 ms", False),
        ("+2.500 s", True),
    ]
    (pause,) = diagram.pauses
    assert pause.label == "1.50 s"
    assert diagram.arrows[1].y < pause.y < diagram.arrows[2].y


def test_the_fault_stands_behind_what_it_kept_back() -> None:
    """The answer never arrives, and the node's lane is dead until it is back."""
    diagram = diagram_of("17", FLOW[:3], blows=[KILL])
    held = diagram.arrows[2]
    order, db = (
        next(n.x for n in diagram.lanes if n.name == name) for name in ("order", "order-db")
    )
    assert (held.crossed, held.css) == (True, "answer lost")
    assert order < held.x2 < db
    assert held.note == "never delivered"
    (strike,) = diagram.strikes
    assert (strike.xs, strike.name, strike.is_back) == ((order,), "kill", True)
    assert held.y < strike.y < strike.until_y < diagram.bottom
    assert strike.says == "kill:order:after:x on order at +1.004 s"


def test_a_node_that_sends_something_is_back() -> None:
    """Whenever the probe showed it; a link is mended when it is."""
    later = (message("kafka-1>order", 1.5), message("order>kafka-1", 2.0))
    diagram = diagram_of("17", (*FLOW[:3], *later), blows=[KILL])
    (strike,) = diagram.strikes
    assert strike.is_back
    assert diagram.arrows[3].y < strike.until_y < diagram.arrows[4].y
    cut = replace(KILL, nodes=("order", "order-db"), is_link=True)
    (mended,) = diagram_of("17", (*FLOW[:3], *later), blows=[cut]).strikes
    assert mended.until_y > diagram.arrows[4].y


def test_before_an_effect_its_request_is_kept_back() -> None:
    """And where nothing is lost, it arrives later."""
    before = replace(KILL, address=PRODUCE, when=When.BEFORE)
    crossed = [a.crossed for a in diagram_of("17", FLOW[:4], blows=[before]).arrows]
    assert crossed == [False, False, False, True]
    hold = replace(before, name="hold", loses=False)
    assert not any(a.crossed for a in diagram_of("17", FLOW, blows=[hold]).arrows)


def test_a_fault_at_another_key_stands_at_its_time() -> None:
    """Where it meets this one's; a node that never came back is dead to the end."""
    other = replace(KILL, address=COMMIT.replace("17", "18"), until_s=None)
    answered = message("order<order-db", 1.006, "acknowledged")
    diagram = diagram_of("17", (*FLOW[:3], answered), blows=[other])
    (strike,) = diagram.strikes
    assert diagram.arrows[2].y < strike.y < diagram.arrows[3].y
    assert (strike.is_back, strike.until_y) == (False, diagram.bottom)
    assert not any(a.crossed for a in diagram.arrows)


@pytest.mark.parametrize("blow", [replace(KILL, at_s=9.0), replace(KILL, at_s=0.1, until_s=0.5)])
def test_a_fault_at_another_time_is_not_drawn(blow: Blow) -> None:
    """Before the key was under way, or long after."""
    assert diagram_of("17", FLOW, blows=[replace(blow, address="")]).strikes == ()


def test_a_fault_on_nodes_that_the_key_never_met_is_not_drawn() -> None:
    """There is no lane for it."""
    blow = replace(KILL, nodes=("shipping",), address="")
    assert diagram_of("17", FLOW, blows=[blow]).strikes == ()


def test_a_fault_on_a_link_stands_between_its_ends() -> None:
    """Neither of them is dead."""
    blow = replace(KILL, name="cut", nodes=("kafka-1", "order"), is_link=True, address="")
    diagram = diagram_of("17", FLOW, blows=[blow])
    x = {lane.name: lane.x for lane in diagram.lanes}
    assert diagram.strikes[0].xs == ((x["order"] + x["kafka-1"]) / 2,)
    half = replace(blow, nodes=("kafka-1", "elsewhere"))
    assert diagram_of("17", FLOW, blows=[half]).strikes == ()


def test_what_strikes_for_a_moment_leaves_nothing_dead() -> None:
    """An answer that was swallowed is gone, and nothing else is."""
    diagram = diagram_of("17", FLOW, blows=[replace(KILL, name="swallow", lasts=False)])
    (strike,) = diagram.strikes
    assert (strike.until_y, strike.is_back) == (strike.y, False)
    assert [a.crossed for a in diagram.arrows] == [False, False, True, False, False]


def test_what_failed_or_was_never_answered_is_crossed_out() -> None:
    """Without a fault, too."""
    refused = replace(FLOW[2], is_failed=True)
    unanswered = replace(FLOW[3], is_unanswered=True, note="with 1 more key")
    diagram = diagram_of("17", (FLOW[1], refused, unanswered))
    assert [a.css for a in diagram.arrows] == ["request", "answer lost", "request lost"]
    assert diagram.arrows[2].note == "with 1 more key, never answered"


def test_of_too_many_messages_effects_come_first() -> None:
    """Then the first and the last of them; what is left out is counted."""
    statements = tuple(message("a>b", 1.0 + n, context=True) for n in range(6))
    effects = tuple(message("a>b", 10.0 + n, f"e{n}") for n in range(6))
    some = diagram_of("1", (*statements, *effects), most=6)
    assert ([a.label for a in some.arrows], some.hidden) == ([f"e{n}" for n in range(6)], 6)
    fewer = diagram_of("1", (*statements, *effects), most=3)
    assert ([a.label for a in fewer.arrows], fewer.hidden) == (["e0", "e1", "e5"], 9)
    assert "9 messages not drawn." in fewer.desc


def test_it_is_told_in_words_too() -> None:
    """For those who do not see it."""
    diagram = diagram_of(
        "17", FLOW[:3], blows=[KILL], ending="no PRODUCE of key 17 ever left order"
    )
    assert diagram.title == "Key 17 on the wire"
    assert "+1.002 s order>order-db COMMIT orders:insert." in diagram.desc
    assert "The fault: kill:order:after:x on order at +1.004 s." in diagram.desc
    assert diagram.desc.endswith("no PRODUCE of key 17 ever left order.")


def test_a_long_label_gives_up_operations_before_its_tables() -> None:
    """And is cut where that is not enough."""
    long = "COMMIT inbox:insert, shipment_changes:insert, shipments:update"
    assert cut_label(long) == "COMMIT inbox, shipment_changes, shipments"
    assert cut_label("x" * 60) == "x" * 45 + "…"
    assert cut_label("COMMIT a:insert") == "COMMIT a:insert"


WAYS = st.sampled_from(["a>b", "a<b", "b>c", "c>a", "b<c"])


@given(st.lists(st.tuples(WAYS, st.floats(0, 0.2)), min_size=1, max_size=30), st.integers(3, 40))
def test_whatever_passes_is_drawn_in_order_and_within_the_frame(
    steps: list[tuple[str, float]], most: int
) -> None:
    """Every arrow between two lanes, below the one before, above the bottom."""
    at_s, messages = 1.0, []
    for way, gap in steps:
        at_s += gap
        messages.append(message(way, at_s))
    diagram = diagram_of("k", messages, most=most)
    ys = [a.y for a in diagram.arrows]
    assert len(ys) + diagram.hidden == len(messages)
    assert len(ys) <= most
    assert ys == sorted(set(ys))
    assert all(0 < y < diagram.bottom < diagram.height for y in ys)
    lanes = {lane.x for lane in diagram.lanes}
    assert all({a.x1, a.x2} <= lanes and a.x1 != a.x2 for a in diagram.arrows)
    assert all(0 < x < diagram.width for x in lanes)
