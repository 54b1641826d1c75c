"""The broken twin whose consumers read what is not committed: apart from the others, since a suite
has one pattern of a name."""

from dataclasses import replace

from suites.shop.suite import SUITE as SHOP
from suites.shop.twins.transactions import READ_UNCOMMITTED

SUITE = replace(
    SHOP,
    name="shop-twin-uncommitted",
    about="the shop, with consumers that read what is not committed",
    patterns=(READ_UNCOMMITTED,),
)
