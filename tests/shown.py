"""What a page of the docs shows of a run's output, to be compared with what is printed."""

import re
from pathlib import Path

_DOCS = Path(__file__).resolve().parent.parent / "docs"
_SHOWN = re.compile(r"^```text\n(?P<shown>.*?)^```$", re.MULTILINE | re.DOTALL)
_FIGURE = re.compile(r"\d+(?:[,.]\d+)*")
_MORE = re.compile(r"; likewise [^.]+")


def page(name: str) -> str:
    """The text of a page, by its path below docs/."""
    return (_DOCS / name).read_text(encoding="utf-8")


def shown(text: str) -> str:
    """The output in a page, of which there is one."""
    (found,) = _SHOWN.findall(text)
    return str(found)


def assert_printed(text: str, printed: str) -> None:
    """That the output begins with what the page shows, figures and keys apart."""
    wanted = _without_figures(shown(text))
    assert _without_figures(printed).lstrip("\n")[: len(wanted)] == wanted


def _without_figures(text: str) -> str:
    """Counts and keys depend on what was under way when the fault struck; so does whether there
    was more of the kind."""
    lines = (_FIGURE.sub("#", _MORE.sub("", line.rstrip())) for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines)
