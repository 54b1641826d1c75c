"""The order event on the wire, and which messages may leave together."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.services.shop.events import CANCELLED, PLACED, Event, Message, decode, leading

PLACED_1 = Event(
    event_id="9604dfdc-1454-4bf7-a5a9-0f3d527aefe3",
    type=PLACED,
    order_id="17",
    product_id="anvil",
    quantity=2,
    version=1,
)


def test_a_message_carries_the_order_as_key_and_the_event_as_value() -> None:
    """The key decides the partition, so all of one order stay in order."""
    message = PLACED_1.as_message()
    assert (message.key, message.event_id) == ("17", PLACED_1.event_id)
    assert json.loads(message.value) == {
        "event_id": "9604dfdc-1454-4bf7-a5a9-0f3d527aefe3",
        "type": "order-placed",
        "order_id": "17",
        "product_id": "anvil",
        "quantity": 2,
        "version": 1,
    }


def test_what_is_written_is_read() -> None:
    """Also with the fields in another order, as the database's jsonb leaves them."""
    fields = json.loads(PLACED_1.as_json())
    assert decode(json.dumps(dict(reversed(fields.items()))).encode()) == PLACED_1


def test_each_event_has_an_id_of_its_own() -> None:
    """By which consumers know it again."""
    made = {Event.new(CANCELLED, "1", "anvil", 1, 2).event_id for _ in range(100)}
    assert len(made) == 100


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"not json",
        b"[]",
        b'{"event_id": "x"}',
        PLACED_1.as_json().replace("order-placed", "order-eaten").encode(),
        PLACED_1.as_json().replace("quantity", "amount").encode(),
    ],
)
def test_what_is_no_event_is_refused(value: bytes | None) -> None:
    """Rather than skipped: a record that nobody reads is a lost order."""
    with pytest.raises((ValueError, TypeError)):
        decode(value)


def messages(keys: str) -> list[Message]:
    """One message for each letter, numbered."""
    return [Message(key=k, value=b"{}", event_id=str(i)) for i, k in enumerate(keys)]


def test_a_key_that_comes_up_again_waits() -> None:
    """Until what came before it is acknowledged and marked."""
    assert leading(messages("abcab")) == messages("abc")
    assert leading(messages("aab")) == messages("a")
    assert leading(messages("")) == []


@given(st.text(alphabet="abcd", max_size=30))
def test_what_leads_has_no_key_twice_and_is_not_empty_without_reason(keys: str) -> None:
    """So that sending what leads again and again sends everything, in order."""
    found = leading(messages(keys))
    assert found == messages(keys)[: len(found)]
    assert len({m.key for m in found}) == len(found)
    assert bool(found) == bool(keys)
    assert len(found) == len(keys) or keys[len(found)] in keys[: len(found)]
