"""Probes say what they want, and can't be declared so that nothing could hold."""

import pytest

from harness.errors import DeclarationError
from harness.model.steady import Answers, Counts, Lag, Reading
from harness.model.store_query import StoreQuery

QUERY = StoreQuery(name="open orders", node="db", database="shop", sql="SELECT 1")


def test_each_probe_has_a_name_and_says_what_it_wants() -> None:
    """As people read them."""
    told = [
        (probe.name, probe.wanted)
        for probe in (
            Answers(node="order", port=8080, within_s=0.5),
            Counts(query=QUERY, most=3),
            Counts(query=QUERY, least=2),
            Counts(query=QUERY, least=2, most=3),
            Lag(most=10),
        )
    ]
    assert told == [
        ("order answers GET /health", "200 within 0.5 s"),
        ("open orders", "at most 3"),
        ("open orders", "at least 2"),
        ("open orders", "2 to 3"),
        ("consumer lag", "at most 10"),
    ]


def test_what_nothing_can_meet_is_refused() -> None:
    """When it is declared."""
    with pytest.raises(DeclarationError, match="within_s=0 is no time"):
        Answers(node="order", port=8080, within_s=0)
    with pytest.raises(DeclarationError, match="most=1 is less than least=2"):
        Counts(query=QUERY, least=2, most=1)
    with pytest.raises(DeclarationError, match="most=-1 is no number of records"):
        Lag(most=-1)


def test_a_reading_is_a_sentence() -> None:
    """Of what was measured and what was wanted."""
    reading = Reading(probe="consumer lag", holds=False, value="7", wanted="at most 0")
    assert str(reading) == "consumer lag: 7, wanted at most 0"
