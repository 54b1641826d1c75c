"""The table of Kafka's apis."""

from harness.wire.kafka_apis import APIS, name_of


def test_an_api_says_which_versions_it_has_and_which_are_flexible() -> None:
    """Produce: 3 to 13, flexible from 9 on."""
    produce = APIS[0]
    assert [v for v in range(20) if produce.speaks(v)] == list(range(3, 14))
    assert [v for v in range(3, 14) if produce.is_flexible(v)] == list(range(9, 14))


def test_an_api_may_have_no_flexible_version() -> None:
    """SaslHandshake."""
    assert not APIS[17].is_flexible(99)


def test_a_client_may_ask_for_the_versions_in_any_version() -> None:
    """It learns only from the answer which ones the broker has."""
    assert APIS[18].speaks(5)
    assert APIS[18].is_flexible(5)


def test_every_key_has_a_name() -> None:
    """Also one that Kafka doesn't have."""
    assert (name_of(26), name_of(1234)) == ("EndTxn", "api 1234")
    assert all(key == api.key and api.oldest <= api.newest for key, api in APIS.items())
