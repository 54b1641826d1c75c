"""Steady state: what has to hold before there is anything to disturb, and again after healing."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import DeclarationError
from harness.model.store_query import StoreQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A node answers GET `path` with `status`, within a time."""

    node: str
    port: int
    path: str = "/health"
    status: int = 200
    within_s: float = 1.0

    def __post_init__(self) -> None:
        if self.within_s <= 0:
            raise DeclarationError(f"Answers({self.node}): within_s={self.within_s} is no time")

    @property
    def name(self) -> str:
        return f"{self.node} answers GET {self.path}"

    @property
    def wanted(self) -> str:
        return f"{self.status} within {self.within_s:g} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """A database's answer to a question, one number, lies between two bounds."""

    query: StoreQuery
    least: int = 0
    most: int | None = None
    """None: no bound."""

    def __post_init__(self) -> None:
        if self.most is not None and self.most < self.least:
            raise DeclarationError(
                f"Counts({self.query.name}): most={self.most} is less than least={self.least}"
            )

    @property
    def name(self) -> str:
        return self.query.name

    @property
    def wanted(self) -> str:
        if self.most is None:
            return f"at least {self.least}"
        return f"{self.least} to {self.most}" if self.least else f"at most {self.most}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """All consumer groups together are behind by few records: they are there, and settled."""

    most: int = 0

    def __post_init__(self) -> None:
        if self.most < 0:
            raise DeclarationError(f"Lag: most={self.most} is no number of records")

    @property
    def name(self) -> str:
        return "consumer lag"

    @property
    def wanted(self) -> str:
        return f"at most {self.most}"


Probe = Answers | Counts | Lag
Probes = Sequence[Probe]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one probe measured."""

    probe: str
    holds: bool
    value: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.probe}: {self.value}, wanted {self.wanted}"
