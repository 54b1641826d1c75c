"""How values become words: one place for units, marks and the cleaning of foreign text.

Values come from users' systems. `clean` makes any text safe to print in a terminal, in XML and
in HTML (which escapes on top of it); it never changes what is stored.
"""

import json
from collections.abc import Mapping
from enum import Enum

_KEPT = {"\n", "\t"}


def _visible(character: str) -> str:
    code = ord(character)
    if character in _KEPT:
        return character
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    unprintable = 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF)
    bidi = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
    return "\ufffd" if unprintable or bidi else character


def clean(text: str) -> str:
    """The text with control characters made visible, so that it can steer no terminal, XML
    parser or writing direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(c) for c in text)


def cut(text: str, limit: int) -> str:
    """Cleaned and at most `limit` characters long, an ellipsis and the full length told."""
    cleaned = clean(text)
    if len(cleaned) <= limit:
        return cleaned
    return f"{cleaned[:limit]}… ({len(cleaned)} characters)"


def value(thing: object, limit: int = 400) -> str:
    """One value of a row as people read it: text bare, figures short, the rest as JSON."""
    if thing is None:
        return "NULL"
    if isinstance(thing, str):
        return cut(thing, limit)
    if isinstance(thing, float):
        return f"{thing:.6g}" if abs(thing) < 1e6 else f"{thing:,.0f}"
    return cut(json.dumps(thing, ensure_ascii=False, default=str), limit)


def seconds(duration_s: float | None) -> str:
    """`870 ms`, `4.2 s`, `3 min 05 s`; a dash where there is none."""
    if duration_s is None:
        return "–"
    if abs(duration_s) < 0.9995:
        return f"{duration_s * 1000:.0f} ms"
    if abs(duration_s) < 120:
        return f"{duration_s:.1f} s" if abs(duration_s) >= 10 else f"{duration_s:.2f} s"
    minutes, rest = divmod(round(duration_s), 60)
    return f"{minutes} min {rest:02d} s"


def moment(at_s: float | None) -> str:
    """A point on the scenario's clock: `+12.345 s`."""
    return "–" if at_s is None else f"{at_s:+.3f} s"


def memory(mib: float | None) -> str:
    """`812 MiB`, `1.34 GiB`; a dash where it was not measured."""
    if mib is None:
        return "–"
    return f"{mib / 1024:.2f} GiB" if mib >= 1024 else f"{mib:.0f} MiB"


def size(count: int) -> str:
    """Bytes: `784 B`, `38.5 KiB`, `1.2 GiB`."""
    if count < 1024:
        return f"{count} B"
    scaled = count / 1024
    for unit in ("KiB", "MiB", "GiB"):
        if scaled < 1023.95:
            return f"{scaled:.1f} {unit}"
        scaled /= 1024
    return f"{scaled:,.1f} TiB"


def plural(count: int, noun: str, plural_noun: str | None = None) -> str:
    """`1 order`, `2 orders`, `1,204 orders`."""
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"


def figures(measured: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Measured figures as (name, value) in their own order, names in words. A list of objects
    (the probes of a fault) gives one entry an object, without a name."""
    found = []
    for name, told in measured.items():
        if isinstance(told, list | tuple) and told and all(isinstance(t, Mapping) for t in told):
            found += [("", ", ".join(f"{_name(k)} {_told(v)}" for k, v in t.items())) for t in told]
        else:
            found.append((_name(name), _told(told)))
    return tuple(found)


def _name(key: object) -> str:
    return clean(str(key)).replace("_", " ")


def _told(told: object) -> str:
    """Figures without the signs of JSON; names of inner objects may be the system's own (slots,
    topics) and stay as they are."""
    if isinstance(told, Mapping):
        return ", ".join(f"{clean(str(k))} {_told(v)}" for k, v in told.items())
    if isinstance(told, list | tuple):
        return ", ".join(_told(one) for one in told) or "none"
    if isinstance(told, bool):
        return "yes" if told else "no"
    return value(told)


def outcome(exit_code: int | None) -> str:
    """What a run came to, in words: its verdict alone is no news, as a control must be violated."""
    if exit_code is None:
        return "Did not finish"
    return {0: "As expected", 1: "Not as expected", 2: "Undecided"}.get(exit_code, "Failed")


class Cell(Enum):
    """What one cell of the matrix pattern × fault says."""

    AS_EXPECTED = "as-expected"
    CAUGHT = "caught"
    UNEXPECTED = "unexpected"
    UNDECIDED = "undecided"
    NOT_RUN = "not-run"

    @property
    def mark(self) -> str:
        """A sign that tells the cells apart without colour."""
        return _MARKS[self]

    @property
    def says(self) -> str:
        return _SAYS[self]


_MARKS = {
    Cell.AS_EXPECTED: "✓",
    Cell.CAUGHT: "◆",
    Cell.UNEXPECTED: "✗",
    Cell.UNDECIDED: "?",
    Cell.NOT_RUN: "·",
}
_SAYS = {
    Cell.AS_EXPECTED: "as expected",
    Cell.CAUGHT: "control caught",
    Cell.UNEXPECTED: "unexpected",
    Cell.UNDECIDED: "undecided",
    Cell.NOT_RUN: "not run",
}
