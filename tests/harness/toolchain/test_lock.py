"""The lock: what it says, what it refuses, and that the shipped one holds together."""

import json

import pytest

from harness.errors import HarnessBug
from harness.toolchain.lock import LockedArtifact, parse_lock, shipped_lock

SHA = "ab" * 32
JAR: dict[str, object] = {
    "coordinate": "org.apache.kafka:kafka_2.13:4.3.1:jar",
    "size": 10,
    "sha256": SHA,
}


def text(*artifacts: object, schema: object = 1) -> str:
    """A lock with one component that has these artifacts."""
    return json.dumps({"schema": schema, "components": {"kafka": {"artifacts": artifacts}}})


def test_a_lock_gives_the_artifacts_in_class_path_order() -> None:
    """The first on the class path wins, so the order is part of the lock."""
    second = JAR | {"coordinate": "a:a:1:jar"}
    assert [a.coordinate for a in parse_lock(text(JAR, second)).artifacts("kafka")] == [
        "org.apache.kafka:kafka_2.13:4.3.1:jar",
        "a:a:1:jar",
    ]


@pytest.mark.parametrize(
    "coordinate, filename",
    [
        ("org.apache.kafka:kafka_2.13:4.3.1:jar", "kafka_2.13-4.3.1.jar"),
        ("g:netty:4.2:jar:linux-x86_64", "netty-4.2-linux-x86_64.jar"),
    ],
)
def test_an_artifact_is_named_as_maven_names_it(coordinate: str, filename: str) -> None:
    """artifact-version[-classifier].packaging."""
    assert LockedArtifact(coordinate=coordinate, size=1, sha256=SHA).filename == filename


@pytest.mark.parametrize(
    "change, said",
    [
        ({"coordinate": "kafka:4.3.1"}, "not a Maven coordinate"),
        ({"coordinate": "g:../../etc/passwd:1:jar"}, "not a Maven coordinate"),
        ({"coordinate": "g:a:..:jar"}, "not a Maven coordinate"),
        ({"size": 0}, "has the size 0"),
        ({"sha256": "AB" * 32}, "no SHA-256"),
        ({"sha1": "x"}, "cannot be read"),
    ],
)
def test_an_artifact_that_cannot_be_true_is_refused(change: dict[str, object], said: str) -> None:
    """A lock is only worth something where each line of it is checked."""
    with pytest.raises(HarnessBug, match=said):
        parse_lock(text(JAR | change))


@pytest.mark.parametrize(
    "broken, said",
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ("{}", "cannot be read"),
        (text(JAR, schema=2), "schema 2, expected 1"),
        (text(), "component 'kafka' is empty"),
        (text(JAR, JAR | {"size": 11}), "claim the same file kafka_2.13-4.3.1.jar"),
        (text(JAR, JAR | {"coordinate": "other:kafka_2.13:4.3.1:jar"}), "claim the same file"),
    ],
)
def test_a_lock_that_does_not_hold_together_is_a_bug_of_ours(broken: str, said: str) -> None:
    """The user did not write it, so it is not the user's error."""
    with pytest.raises(HarnessBug, match=said):
        parse_lock(broken)


def test_a_component_that_the_lock_lacks_is_named() -> None:
    """Not a KeyError."""
    with pytest.raises(HarnessBug, match="no component 'mariadb'"):
        parse_lock(text(JAR)).artifacts("mariadb")


def test_the_digest_changes_with_any_content_and_with_nothing_else() -> None:
    """It names the directory in the cache."""
    digest = parse_lock(text(JAR)).digest
    assert digest == parse_lock(json.dumps(json.loads(text(JAR)), indent=4)).digest
    others: list[dict[str, object]] = [
        {"size": 11},
        {"sha256": "cd" * 32},
        {"coordinate": "g:a:1:jar"},
    ]
    assert len({digest} | {parse_lock(text(JAR | other)).digest for other in others}) == 4


def test_the_shipped_lock_has_one_kafka_in_all_its_parts() -> None:
    """A resolver once put the clients of another Kafka beside the broker."""
    lock = shipped_lock()
    coordinates = [a.coordinate for parts in lock.components.values() for a in parts]
    versions = {c.split(":")[2] for c in coordinates if c.startswith("org.apache.kafka:")}
    assert versions == {"4.3.1"}


@pytest.mark.parametrize("component", ["kafka", "connect"])
def test_the_shipped_lock_binds_the_logging_that_kafka_calls(component: str) -> None:
    """Kafka brings slf4j-api 1.7: the binding for 2.0 would log nothing."""
    names = {a.coordinate.split(":")[1] for a in shipped_lock().artifacts(component)}
    assert {"slf4j-api", "log4j-slf4j-impl", "log4j-core", "log4j-api"} <= names


def test_the_shipped_lock_leaves_to_connect_what_connect_brings() -> None:
    """A second slf4j or Kafka in the plugin's directory would hide the worker's own."""
    lock = shipped_lock()
    worker = {a.coordinate.rsplit(":", 2)[0] for a in lock.artifacts("connect")}
    plugin = {a.coordinate.rsplit(":", 2)[0] for a in lock.artifacts("debezium")}
    assert worker & plugin == set()
