"""What becomes of an order under sagas."""

from compose.services.shop.saga_orders import CANCEL, FINAL, TRANSITIONS
from compose.services.shop.saga_reactions import Act


def test_an_order_goes_on_by_this_table() -> None:
    """What is not in it changes nothing and tells nothing."""
    assert TRANSITIONS == {
        ("pending", Act.COMPLETE): ("completed", "order-completed"),
        ("pending", Act.FAIL): ("undoing", "order-failing"),
        ("pending", CANCEL): ("cancelling", "order-failing"),
        ("pending", Act.END): ("rejected", "order-rejected"),
        ("undoing", CANCEL): ("cancelling", None),
        ("undoing", Act.END): ("rejected", "order-rejected"),
        ("cancelling", Act.END): ("cancelled", "order-cancelled"),
    }


def test_what_has_ended_never_changes() -> None:
    """Nothing leads out of a final status, and an end is told as what it is."""
    assert not {status for status, _ in TRANSITIONS} & FINAL
    ends = {told for status, told in TRANSITIONS.values() if status in FINAL}
    assert ends == {f"order-{status}" for status in FINAL}
