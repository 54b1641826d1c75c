"""Names of topics by id."""

from harness.wire.kafka_topics import TopicNames


def test_a_topic_has_its_id_for_a_name_until_it_is_learnt() -> None:
    """Deleted and created again, it has another id."""
    topics = TopicNames()
    assert topics.name("a") == "a"
    topics.learn("a", "order.events")
    assert (topics.name("a"), topics.name("b")) == ("order.events", "b")


def test_garbage_does_not_fill_the_memory() -> None:
    """Ten thousand topics, and no more."""
    topics = TopicNames()
    for i in range(20_000):
        topics.learn(str(i), "t")
    assert (topics.name("9999"), topics.name("10000")) == ("t", "10000")
