"""Values as words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.words import clean, figures, memory, moment, plural, seconds, size, value


@given(st.text())
def test_cleaned_text_steers_nothing(text: str) -> None:
    """No control character, surrogate or override of the writing direction is left, and cleaning
    twice changes nothing."""
    cleaned = clean(text)
    assert all(c in "\n\t" or ord(c) >= 0x20 for c in cleaned)
    assert not set(cleaned) & set("\x7f\u202e\u2066\ufffe")
    cleaned.encode("utf-8")
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    "duration_s,says",
    [(None, "–"), (0.0871, "87 ms"), (1.5, "1.50 s"), (54.66, "54.7 s"), (185, "3 min 05 s")],
)
def test_seconds(duration_s: float | None, says: str) -> None:
    """Durations carry the unit that suits their size."""
    assert seconds(duration_s) == says


def test_units() -> None:
    """Memory, moments and counts."""
    assert [memory(None), memory(812.4), memory(1372)] == ["–", "812 MiB", "1.34 GiB"]
    assert [size(n) for n in (0, 1023, 39_408, 1_048_575, 5 << 30, 2 << 40)] == [
        "0 B", "1023 B", "38.5 KiB", "1.0 MiB", "5.0 GiB", "2.0 TiB",
    ]  # fmt: skip
    assert [moment(None), moment(6.71)] == ["–", "+6.710 s"]
    assert [plural(1, "row"), plural(1204, "row")] == ["1 row", "1,204 rows"]


def test_values_are_short_and_honest_about_it() -> None:
    """NULL is told from the text NULL's absence, floats are short, long text says how long."""
    assert value(None) == "NULL"
    assert value(3.3036567819) == "3.30366"
    assert value("x" * 50, 10) == "xxxxxxxxxx… (50 characters)"
    assert value({"a": [1, None]}) == '{"a": [1, null]}'


def test_figures_are_told_without_json() -> None:
    """Probes of a fault become entries of their own."""
    told = figures({"probes": [{"old_pid": 145, "gone": True}], "cut_keys": ["30", "31"]})
    assert told == (("", "old pid 145, gone yes"), ("cut keys", "30, 31"))
