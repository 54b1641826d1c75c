"""The drawing of a sequence diagram: its elements, and that nothing foreign is markup."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from harness.report.blow import Blow
from harness.report.sequence import diagram_of
from harness.report.sequence_svg import svg
from harness.report.wire import Message, Shape

ASKED = Message(
    seq=1,
    at_s=1.0,
    client="order",
    server="order-db",
    from_client=True,
    shape=Shape.REQUEST,
    label="COMMIT orders:insert",
    says="order to order-db: COMMIT orders:insert",
)
ANSWERED = replace(
    ASKED,
    at_s=1.001,
    from_client=False,
    shape=Shape.ANSWER,
    label="acknowledged",
    note="xid 752 · 0/1A2B3C8",
    says="order-db to order: acknowledged",
)
BLOW = Blow(name="kill", nodes=("order",), at_s=1.0015, until_s=2.0)


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - what was just drawn


def by_class(root: ET.Element, css: str) -> list[ET.Element]:
    return [e for e in root.iter() if css in (e.get("class") or "").split()]


def words(element: ET.Element) -> str:
    return "".join(element.itertext())


def test_it_has_a_title_and_a_description() -> None:
    """Which the image refers to, by ids of its own."""
    root = parsed(svg(diagram_of("17", [ASKED, ANSWERED]), "p--none.wire.1"))
    title, desc = root[0], root[1]
    assert (title.tag, title.text, desc.tag) == ("title", "Key 17 on the wire", "desc")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert title.get("id") == "p--none.wire.1.t"
    assert "order to order-db: COMMIT orders:insert" in (desc.text or "")


def test_each_node_has_a_name_and_a_life_line() -> None:
    """In boxes of their own, with the role where it is known."""
    diagram = diagram_of("17", [ASKED], roles={"order": "service"})
    root = parsed(svg(diagram, "a"))
    assert [words(e) for e in by_class(root, "name")] == ["order", "order-db"]
    assert [words(e) for e in by_class(root, "role")] == ["service"]
    assert len(by_class(root, "node")) == 2
    assert len(by_class(root, "life")) == 4  # a line and its end each


def test_requests_and_answers_have_heads_of_their_own() -> None:
    """Filled and open: they are told apart without colour."""
    root = parsed(svg(diagram_of("17", [ASKED, ANSWERED]), "a"))
    request, answer = by_class(root, "arrow")
    heads = [by_class(arrow, "head")[0].get("d") or "" for arrow in (request, answer)]
    assert [head.endswith("z") for head in heads] == [True, False]
    assert words(by_class(answer, "note")[0]) == "xid 752 · 0/1A2B3C8"
    assert words(request[0]) == "+1.000 s: order to order-db: COMMIT orders:insert"
    assert by_class(root, "cross") == []


def test_what_was_lost_ends_in_a_cross() -> None:
    """And has no head."""
    lost = replace(ANSWERED, is_failed=True)
    root = parsed(svg(diagram_of("17", [ASKED, lost]), "a"))
    (arrow,) = by_class(root, "lost")
    assert len(by_class(arrow, "cross")) == 1
    assert by_class(arrow, "head") == []


def test_the_fault_is_a_bolt_with_its_name_and_the_dead_time_below() -> None:
    """Until the node is back."""
    root = parsed(svg(diagram_of("17", [ASKED, ANSWERED], blows=[BLOW]), "a"))
    (bolt,), (dead,), (back,) = (by_class(root, css) for css in ("bolt", "dead", "back"))
    lane = by_class(root, "life")[0].get("d") or ""
    x = float(lane[1:].split()[0])
    assert (bolt.get("transform") or "").startswith(f"translate({x:.1f} ")
    assert float(dead.get("x") or 0) < x < float(dead.get("x") or 0) + float(dead.get("width") or 0)
    assert (back.get("d") or "").startswith("M")
    assert [words(e) for e in by_class(root, "fault")] == ["kill"]
    assert "is back" in words(root)
    assert by_class(root, "silence")


def test_a_silence_is_a_jag_in_every_life_line() -> None:
    """With its length."""
    root = parsed(svg(diagram_of("17", [ASKED, replace(ANSWERED, at_s=3.0)]), "a"))
    (pause,) = by_class(root, "pause")
    assert len(by_class(pause, "jag")) == len(by_class(pause, "gap")) == 2
    assert words(by_class(root, "silence")[0]) == "2.00 s later"


def test_what_never_came_stands_below() -> None:
    """Where there is something to say."""
    ended = parsed(svg(diagram_of("17", [ASKED], ending="no PRODUCE ever left order"), "a"))
    assert [words(e) for e in by_class(ended, "ending")] == ["✗ no PRODUCE ever left order"]
    assert by_class(parsed(svg(diagram_of("17", [ASKED]), "a")), "ending") == []


def test_nothing_foreign_is_markup() -> None:
    """Names, labels, keys and anchors are anybody's."""
    evil = "</text><script>alert(1)</script>\"'&\x1b"
    message = replace(ASKED, client=evil, label=evil, note=evil, says=evil)
    blow = Blow(name=evil, nodes=(evil,), at_s=1.0, until_s=None)
    diagram = diagram_of(evil, [message], blows=[blow], roles={evil: evil}, ending=evil)
    root = parsed(svg(diagram, 'a"><b'))
    assert {e.tag for e in root.iter()} <= {
        "svg", "title", "desc", "g", "path", "rect", "text", "tspan",
    }  # fmt: skip
    assert "<script>alert(1)</script>" in words(root)
