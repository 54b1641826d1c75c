"""One import has every noun that a suite is written with."""

import dataclasses
import typing

from harness import suite
from harness.model.guarantees import Guarantee
from harness.model.steady import Probe


def test_everything_that_a_suite_or_a_pattern_is_made_of_is_there() -> None:
    """Guarantees and probes of every kind, and the two themselves."""
    kinds = {kind.__name__ for union in (Guarantee, Probe) for kind in typing.get_args(union)}
    assert {"Suite", "Pattern", "Hop", "Request", "StoreQuery", "Outbox", "Topic"} | kinds <= set(
        suite.__all__
    )


def test_every_name_is_a_noun_of_the_model() -> None:
    """A frozen value, declared by keyword; but for the name that stands for any fault."""
    for name in suite.__all__:
        noun = getattr(suite, name)
        if name != "ANY_FAULT":
            assert dataclasses.is_dataclass(noun), name
            assert noun.__module__.startswith("harness.model."), name
