"""report.html: self-contained, escaped, complete."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.errors import DeclarationError
from harness.report.html import render

VOID = {"meta", "input", "br", "path", "circle", "rect", "use", "link", "img"}


class Page(HTMLParser):
    """What a browser would make of the page: its elements, their attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not (self.open and self.open[-1] in {"script", "style"}):
            self.texts.append(data)

    def attributes(self, name: str) -> list[str]:
        return [told for _, attrs in self.tags if (told := attrs.get(name)) is not None]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def rendered(run_dir: Path) -> tuple[str, Page]:
    text = render(run_dir).read_text(encoding="utf-8")
    return text, Page(text)


def test_it_is_well_formed(run_dir: Path) -> None:
    """Every element that opens closes, in order."""
    _, page = rendered(run_dir)
    assert page.open == []


def test_nothing_is_loaded_from_anywhere(run_dir: Path) -> None:
    """No element refers to a network address, and the policy would forbid it."""
    text, page = rendered(run_dir)
    for name in ("src", "href", "action", "data", "poster", "srcset"):
        for address in page.attributes(name):
            assert "//" not in address
            assert not address.startswith("data:")
    assert "@import" not in text
    assert "http://" not in text
    assert "https://" not in text
    policy = next(a["content"] or "" for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy


def test_links_lead_somewhere(run_dir: Path) -> None:
    """Every anchor that is linked to exists, every linked file is in the run directory."""
    _, page = rendered(run_dir)
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    for address in page.attributes("href"):
        if address.startswith("#"):
            assert address[1:] in ids
        else:
            assert (run_dir / address).is_file()


def test_every_scenario_has_an_anchor_and_its_verdict(run_dir: Path) -> None:
    """Deep links to each scenario work, and each says in words what it came to."""
    _, page = rendered(run_dir)
    results = json.loads((run_dir / "results.json").read_text())
    for entry in results["scenarios"]:
        assert f"{entry['pattern']}--{entry['fault']}" in page.attributes("id")
        assert entry["reason"] in page.text
    assert results["sentence"] in page.text
    for word in ("control caught", "INCONCLUSIVE", "PASS", "not run", "exit code 2"):
        assert word in page.text


def test_it_shows_the_evidence_and_the_hop_where_it_broke(run_dir: Path) -> None:
    """The lost order's chain is drawn in order and broken at the record."""
    text, page = rendered(run_dir)
    hops = [a["class"] or "" for t, a in page.tags if t == "li" and "hop" in (a.get("class") or "")]
    assert [h.split()[1] for h in hops] == [
        "h-found",
        "h-found",
        "h-absent",
        "h-missing",
        "h-missing",
        "h-missing",
    ]
    assert [("broke" in h) for h in hops] == [False, False, False, True, False, False]
    assert "its event was published" in text


def test_it_shows_each_fault_with_its_proof(run_dir: Path) -> None:
    """Before, during and after with figures; an unproved fault says so."""
    _, page = rendered(run_dir)
    assert "order 17 was committed, kafka-1 was cut off, pid 4711 is gone" in page.text
    assert "packets dropped 14" in page.text
    assert "✓ proved" in page.text
    assert "? not proved" in page.text


def test_the_timeline_has_a_lane_for_each_node(run_dir: Path) -> None:
    """Nodes, clients and nemesis have lanes; the shades are proved or hatched."""
    _, page = rendered(run_dir)
    for lane in ("nemesis", "clients", "order-db", "kafka-1", "shipping"):
        assert page.texts.count(lane) >= 4
    classes = page.attributes("class")
    for css in ("window proved", "window unproved", "target proved", "hatched", "op ok", "op fail"):
        assert css in classes
    assert "op info wanted" in classes


def test_the_evidence_names_what_the_wire_and_the_log_know(run_dir: Path) -> None:
    """The transaction beside its row, and the last thing seen where it broke."""
    _, page = rendered(run_dir)
    assert "commit orders:insert in xid 752 at 0/1A2F000" in page.text
    assert "last seen order-db committed; no PRODUCE of key 17 ever" in page.text
    kinds = [a["class"] for t, a in page.tags if t == "li" and (a.get("class") or "")[:2] == "t-"]
    assert kinds == ["t-commit", "t-last"]


def test_each_violated_struck_or_early_key_has_a_sequence_diagram(run_dir: Path) -> None:
    """One is shown, the others can be chosen; the evidence leads to its own."""
    text, page = rendered(run_dir)
    anchor = "dual-write--kill-between-commit-and-publish.wire"
    drawn = [a for t, a in page.tags if t == "div" and a.get("class") == "sequence"]
    assert [a["id"] for a in drawn] == [f"{anchor}.{n}" for n in (1, 2, 3)]
    assert ["hidden" in a for a in drawn] == [False, True, True]
    options = [a["value"] for t, a in page.tags if t == "option"]
    assert options == [a["id"] for a in drawn]
    assert "17 · violated" in page.text
    assert page.attributes("data-sequence") == [f"{anchor}.1"] * 2
    assert text.count("✗ no PRODUCE of key 17 ever") == 1


def test_a_key_that_was_asked_for_is_drawn_whatever_the_limits(run_dir: Path) -> None:
    """`aftershock report RUN --key 2`."""
    small = render(run_dir, budget_bytes=150_000, keys=["2"]).read_text(encoding="utf-8")
    assert "Key 2 on the wire" in small
    assert "Key 17 on the wire" not in small


def test_a_fault_at_a_point_shows_both_cuts(run_dir: Path) -> None:
    """Side by side."""
    _, page = rendered(run_dir)
    assert "order/order-db/commit(orders:insert)/17#1" in page.text
    assert "asked for as order/order-db/commit(orders,*)" in page.text
    assert "✓ after it order-db: transaction 752 of key 17 wrote orders:insert" in page.text


def test_a_cut_that_is_another_than_was_meant_says_so(run_dir: Path) -> None:
    """With the fault's own sentence."""
    place = run_dir / "scenarios/dual-write--kill-between-commit-and-publish/scenario.json"
    told = json.loads(place.read_text())
    told["faults"][0]["evidence"]["achieved_cut"] |= {"when": "before", "done": False}
    told["faults"][0]["misfired"] = "order was to be struck after it, and was struck before it"
    place.write_text(json.dumps(told))
    _, page = rendered(run_dir)
    assert "Misfired. order was to be struck after it" in page.text
    assert "≠" in page.texts
    assert "✗ before it" in page.text


def test_hazards_stand_apart_from_violations(run_dir: Path) -> None:
    """Those that were found, those that were not, and rules that could not be applied."""
    _, page = rendered(run_dir)
    assert "order committed and then published the same key 2 times" in page.text
    assert "A crash in between loses the event for good." in page.text
    assert "✓ offset-before-effect kept every time, of 7" in page.text
    assert "– marked-before-acknowledged nothing of the kind is done here" in page.text
    assert "? broken could not be judged: no such column" in page.text


def test_hostile_values_stay_values(hostile_run_dir: Path) -> None:
    """A key that tries to break out is shown as text, in every place."""
    text, page = rendered(hostile_run_dir)
    assert page.open == []
    assert [t for t, _ in page.tags].count("script") == 1
    assert not [t for t, _ in page.tags if t == "img"]
    assert not page.attributes("onerror")
    assert "</script><img src=x onerror=alert(1)>" in page.text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_large_run_stays_within_the_budget(run_dir: Path) -> None:
    """Above its budget a page shows less, and says so."""
    small = render(run_dir, budget_bytes=150_000)
    assert small.stat().st_size <= 150_000
    assert "are drawn: those of violated keys" in small.read_text(encoding="utf-8")


def test_a_run_that_died_is_reported(run_dir: Path) -> None:
    """Without results, and with a scenario that was cut off, the page still tells what is known."""
    (run_dir / "results.json").unlink()
    dead = run_dir / "scenarios" / "dual-write--none"
    told = json.loads((dead / "scenario.json").read_text())
    told["judgement"] = None
    told["phases"][-1]["end_s"] = None
    (dead / "scenario.json").write_text(json.dumps(told))
    (dead / "history.parquet").unlink()
    for path in (dead / "snapshot").glob("*"):
        path.unlink()
    _, page = rendered(run_dir)
    assert "The run did not finish." in page.text
    assert "it was never judged: the run ended before" in page.text


def test_no_run_is_an_error_of_the_user(tmp_path: Path) -> None:
    """A directory without a run is named."""
    with pytest.raises(DeclarationError, match=str(tmp_path)):
        render(tmp_path)


def test_the_steady_state_stands_before_and_after(run_dir: Path) -> None:
    """Each probe with what was wanted and what it said, and how long that took."""
    _, page = rendered(run_dir)
    assert "before all held after 12 ms after not all within 30.0 s" in page.text
    assert "stock at least 1 ✓ holds: 8 ✗ does not hold:" in page.text


def test_what_slots_held_is_drawn_where_it_was_sampled(run_dir: Path) -> None:
    """Bars on the timeline of the scenario with a connector, told in words, and a key to them."""
    _, page = rendered(run_dir)
    bars = [a for t, a in page.tags if t == "rect" and (a.get("class") or "").startswith("held")]
    assert [a["class"] for a in bars] == ["held", "held", "held away", "held away", "held", "held"]
    assert (bars[3]["data-d"] or "").endswith("20.0 KiB not confirmed, nobody reads it, lost")
    assert page.text.count("log held by a slot") == 1
