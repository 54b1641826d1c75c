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
