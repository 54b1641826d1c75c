"""What every declaration is checked for."""

import pytest

from harness.errors import DeclarationError
from harness.model.declaration import require, require_names, require_texts


class Thing:
    """Something that is declared."""


def test_what_holds_is_passed_over() -> None:
    """None is a name that was left out."""
    require(True, Thing(), "never said")
    require_names(Thing(), node="a-db", table=None)
    require_texts(Thing(), "states", ("sold", "void"))


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[0m"])
def test_a_name_is_printable_text(name: str) -> None:
    """It stands in headers of one line each, and on people's terminals."""
    with pytest.raises(DeclarationError, match=r"Thing: node=.* is no name"):
        require_names(Thing(), node=name)


def test_one_text_is_not_several() -> None:
    """Python would take it letter by letter."""
    with pytest.raises(DeclarationError, match="Thing: states='sold' must be several"):
        require_texts(Thing(), "states", "sold")
