"""Addresses: stable names of effects on the wire, written so that a person can type them.

    order/order-db/commit(orders:insert,outbox:insert)/17#1
    relay/kafka-1/produce(order.events)/17#1

Client node, server node, kind with its detail, business key, and which one of that key: the
occurrence is counted for each key by itself, so that it survives interleaving. An address with
parts left out is a pattern: `order/order-db/commit(orders,*)` is every commit of order that wrote
at least the table orders. `-` is the key of what has none.
"""

import re
from collections.abc import Iterable
from functools import cached_property

from harness.model.fast_value import fast_value

NO_KEY = "-"
ANY = "*"
CLIENT = "client"
"""What the workload's customers are called in addresses; every other name is a node's."""

_TEXT = re.compile(
    r"(?P<client>[^/()#]+)/(?P<server>[^/()#]+)/(?P<kind>[a-z-]+|\*)"
    r"(?:\((?P<detail>[^()#]*)\))?(?:/(?P<key>[^/()#]*)(?:#(?P<occurrence>[0-9]+))?)?"
)
_SPECIAL = frozenset("/()#%*,")
_SPECIAL_IN_DETAIL = _SPECIAL - {"/"}
FORM = "CLIENT/SERVER/KIND(DETAIL)/KEY#N"


class NoAddress(ValueError):
    """The text is no address; says what is wrong with it."""


@fast_value
class Address:
    """One effect, or, with parts that are None or `*`, a pattern of effects."""

    client: str
    server: str
    kind: str
    detail: tuple[str, ...] | None = None
    """Sorted parts: `orders:insert`, a topic, a slot. None: any. A last `*`: and perhaps more."""
    key: str | None = None
    """None: any."""
    occurrence: int | None = None
    """From 1. None: whichever comes next."""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Raises NoAddress."""
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise NoAddress(f"{text!r} is no address: its form is {FORM}")
        key, occurrence, detail = found["key"], found["occurrence"], found["detail"]
        if occurrence is not None and int(occurrence) < 1:
            raise NoAddress(f"{text!r}: occurrences are counted from 1")
        return cls(
            client=found["client"],
            server=found["server"],
            kind=found["kind"],
            detail=None if detail in {None, ANY} else _parts(str(detail)),
            key=None if key in {None, "", ANY} else _unquoted(str(key)),
            occurrence=None if occurrence is None else int(occurrence),
        )

    @cached_property
    def text(self) -> str:
        """As `parse` reads it."""
        detail = "" if self.detail is None else f"({','.join(map(_quoted_part, self.detail))})"
        place = f"{self.client}/{self.server}/{self.kind}{detail}"
        if self.key is None and self.occurrence is None:
            return place
        key = ANY if self.key is None else _quoted(self.key)
        return f"{place}/{key}" + ("" if self.occurrence is None else f"#{self.occurrence}")

    def __str__(self) -> str:
        return self.text

    @property
    def is_exact(self) -> bool:
        """Whether it names one effect."""
        return (
            ANY not in {self.client, self.server, self.kind}
            and self.detail is not None
            and ANY not in self.detail
            and self.key is not None
            and self.occurrence is not None
        )

    def covers(self, other: "Address") -> bool:
        """Whether an exact address fits this pattern, its occurrence apart."""
        return (
            self.client in {ANY, other.client}
            and self.server in {ANY, other.server}
            and self.kind in {ANY, other.kind}
            and self.key in {None, other.key}
            and (self.detail is None or _fits(self.detail, other.detail or ()))
        )


def detail_of(parts: Iterable[str]) -> tuple[str, ...]:
    """The parts in the order in which addresses have them."""
    return tuple(sorted(set(parts)))


def _fits(wanted: tuple[str, ...], there: tuple[str, ...]) -> bool:
    """Each wanted part is there, and, without a last `*`, nothing else. `orders` is any of
    `orders:insert`, `orders:update`."""
    named = [part for part in wanted if part != ANY]
    met = {part for part in there if any(part == n or part.startswith(f"{n}:") for n in named)}
    found = all(any(part == n or part.startswith(f"{n}:") for part in there) for n in named)
    return found and (ANY in wanted or len(met) == len(there))


def _parts(text: str) -> tuple[str, ...]:
    parts = [_unquoted(part.strip()) for part in text.split(",") if part.strip()]
    more = ANY in parts
    return (*detail_of(part for part in parts if part != ANY), *((ANY,) if more else ()))


def _quoted_part(part: str) -> str:
    return part if part == ANY else _quoted(part, _SPECIAL_IN_DETAIL)


def _quoted(text: str, special: frozenset[str] = _SPECIAL) -> str:
    """Percent-encoded where a character would be read as part of the address."""
    return "".join(
        f"%{ord(c):02X}" if c in special or (ord(c) < 128 and not c.isprintable()) else c
        for c in text
    )


def _unquoted(text: str) -> str:
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda m: chr(int(m[1], 16)), text)
