"""What is added to kafka-python: hosts that it knows by itself."""

from harness.drivers.kafka_python import KafkaNetSocket, knowing


def test_a_broker_is_found_by_the_name_that_it_advertises() -> None:
    """Where this machine cannot look the name up, the client knows it; any other host as ever."""
    factory = KafkaNetSocket(knowing({"kafka-1": "198.18.0.16"})["proxy_url"])

    known, other = factory.dns_lookup("kafka-1", 9092), factory.dns_lookup("127.0.0.1", 9092)

    assert [found[4] for found in known] == [("198.18.0.16", 9092)]
    assert [found[4] for found in other] == [("127.0.0.1", 9092)]
    assert knowing({}) == {}
