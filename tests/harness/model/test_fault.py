"""A fault counts as proved only when all three probes show what they should."""

from itertools import product

import pytest

from harness.model.fault import FaultRecord, Probe

SHOWN = Probe(shown=True, says="as meant")
NOT_SHOWN = Probe(shown=False, says="no effect")


@pytest.mark.parametrize(
    ("before", "during", "after"), list(product((SHOWN, NOT_SHOWN, None), repeat=3))
)
def test_a_fault_is_proved_by_three_probes_and_no_fewer(
    before: Probe | None, during: Probe | None, after: Probe | None
) -> None:
    """It worked, it broke in the way meant, it works again: all of it was seen."""
    record = FaultRecord(
        name="kill", target="order", before=before, during=during, after=after, fired=True
    )
    assert record.proved == (before is SHOWN and during is SHOWN and after is SHOWN)
