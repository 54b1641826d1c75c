"""Java properties from a container's environment, by the rule of the official Kafka images.

`KAFKA_LOG_DIRS` → `log.dirs`; `_` stands for `.`, `__` for `_`, `___` for `-`
(Apache Kafka's `kafka.docker.KafkaDockerWrapper`).
"""

from collections.abc import Mapping


def property_name(suffix: str) -> str:
    """The property that a variable's name without its prefix stands for."""
    text = suffix.lower()
    return text.replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")


def from_environment(
    environment: Mapping[str, str], prefix: str, *, excluded: frozenset[str] = frozenset()
) -> dict[str, str]:
    """All variables with `prefix` as properties."""
    return {
        property_name(name[len(prefix) :]): value
        for name, value in environment.items()
        if name.startswith(prefix) and name not in excluded
    }


def render(properties: Mapping[str, str]) -> str:
    """The text of a .properties file: backslashes, line ends and leading blanks escaped."""
    return "".join(f"{key}={_escape(value)}\n" for key, value in sorted(properties.items()))


def _escape(value: str) -> str:
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"\\{text}" if text[:1] in {" ", "\t", "\f"} else text
