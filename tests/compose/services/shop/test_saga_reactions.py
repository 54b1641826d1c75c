"""Who does what when it hears what."""

from compose.services.shop.saga_reactions import REACTIONS, Act

AT_THE_END = {
    "review": {"order-completed": Act.ASK},
    "notification": {
        "order-completed": Act.PUSH,
        "order-rejected": Act.PUSH,
        "order-cancelled": Act.PUSH,
    },
}


def test_in_a_choreography_each_step_follows_from_the_one_before() -> None:
    """And what was done is undone when the order is given up."""
    assert REACTIONS["saga-choreography"] == {
        "inventory": {"order-placed": Act.DO, "order-failing": Act.UNDO},
        "payment": {"stock-done": Act.DO, "order-failing": Act.UNDO},
        "shipping": {"payment-done": Act.DO, "order-failing": Act.UNDO},
        "order": {
            "shipment-done": Act.COMPLETE,
            "stock-refused": Act.FAIL,
            "payment-refused": Act.FAIL,
            "shipment-refused": Act.FAIL,
            "stock-undone": Act.SETTLE,
            "payment-undone": Act.SETTLE,
            "shipment-undone": Act.SETTLE,
        },
        **AT_THE_END,
    }


def test_under_an_orchestrator_everybody_does_what_it_says() -> None:
    """Each has commands of its own."""
    assert REACTIONS["saga-orchestration"] == {
        "inventory": {"do-stock": Act.DO, "undo-stock": Act.UNDO},
        "payment": {"do-payment": Act.DO, "undo-payment": Act.UNDO},
        "shipping": {"do-shipment": Act.DO, "undo-shipment": Act.UNDO},
        "order": {"complete-order": Act.COMPLETE, "end-order": Act.END},
        **AT_THE_END,
    }
