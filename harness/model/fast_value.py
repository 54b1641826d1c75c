"""Values that are made by the thousand a second, on the way of every message through a tap."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def fast_value(cls: type[T]) -> type[T]:
    """A keyword-only dataclass, frozen for the type checker alone: freezing it at run time makes
    it take four times as long to make (5 µs against 1.2 for an effect, and 2 for each address)."""
    return dataclass(kw_only=True, unsafe_hash=True)(cls)
