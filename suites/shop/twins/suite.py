"""Broken twins: patterns of the shop with one thing done as it must not be, each a control.

Not run by `aftershock run shop`; `aftershock run ./suites/shop/twins` does.
"""

from dataclasses import replace

from suites.shop.suite import SUITE as SHOP

from .outbox import ROWS_CLAIMED
from .transactions import OFFSETS_OUTSIDE

SUITE = replace(
    SHOP,
    name="shop-twins",
    about="the shop, with one thing done as it must not be",
    patterns=(ROWS_CLAIMED, OFFSETS_OUTSIDE),
)
