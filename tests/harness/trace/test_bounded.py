"""Memory that does not grow."""

from harness.trace.bounded import trim


def test_of_too_many_the_oldest_quarter_goes() -> None:
    entries = dict.fromkeys(range(9))
    trim(entries, 9)
    assert list(entries) == list(range(9))
    entries[9] = None
    trim(entries, 9)
    assert list(entries) == [3, 4, 5, 6, 7, 8, 9]


def test_the_last_entry_stays_however_few_there_may_be() -> None:
    entries = {1: None, 2: None}
    trim(entries, 1)
    assert list(entries) == [2]
