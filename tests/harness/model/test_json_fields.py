"""JSON read field by field: the value with its type, or the place of what is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DeclarationError
from harness.model.json_fields import Fields
from harness.model.verdict import Verdict

PATH = Path("run/scenario.json")
TOLD = {
    "name": "order",
    "count": 7,
    "took_s": 2,
    "flag": True,
    "verdict": "PASS",
    "keys": ["1", "2"],
    "inner": {"a": {"n": 1}},
    "each": [{"n": 1}, {"n": 2}],
}


def test_each_type_is_read_as_it_is() -> None:
    """Whole numbers are numbers, too."""
    fields = Fields(TOLD, PATH)
    assert fields.text("name") == "order"
    assert (fields.whole("count"), fields.number("took_s"), fields.flag("flag")) == (7, 2.0, True)
    assert fields.verdict("verdict") is Verdict.PASS
    assert fields.texts("keys") == ("1", "2")
    assert [f.whole("n") for f in fields.each("each")] == [1, 2]
    assert fields.inner("inner").inner("a").whole("n") == 1
    assert [name for name, _ in fields.inner("inner").inners()] == ["a"]


def test_what_is_missing_has_its_default() -> None:
    """Where one is given, and nothing else."""
    fields = Fields({}, PATH)
    assert (fields.text("x", ""), fields.whole("x", 0), fields.text_or_none("x")) == ("", 0, None)
    assert (fields.number("x"), fields.flag("x"), fields.texts("x")) == (None, False, ())
    assert (fields.each("x"), fields.mapping("x")) == ([], {})


@pytest.mark.parametrize(
    "read, says",
    [
        (lambda f: f.text("count"), "count is missing or not text"),
        (lambda f: f.text("nothing"), "nothing is missing or not text"),
        (lambda f: f.whole("flag"), "flag is missing or not a whole number"),
        (lambda f: f.verdict("name"), "name is missing or not a verdict"),
        (lambda f: f.each("each")[1].text("n"), r"each\[1\]\.n is missing or not text"),
        (lambda f: f.inner("inner").inner("a").flag("n"), r"inner\.a\.n is missing or not true"),
        (lambda f: f.inner("keys"), "keys is not a JSON object"),
        (lambda f: f.check_schema(1), "no schema number"),
    ],
)
def test_what_is_wrong_is_named(read: Callable[[Fields], Any], says: str) -> None:
    """By file and by the way to the field."""
    with pytest.raises(DeclarationError, match=rf"^run/scenario\.json: .*{says}"):
        read(Fields(TOLD, PATH))
