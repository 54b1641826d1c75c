"""The contract of Debezium's Connect image: BOOTSTRAP_SERVERS, GROUP_ID, the three *_STORAGE_TOPIC
and the converters by their own names, every other property of the worker as CONNECT_*."""

import os
import re
import socket
import sys
from pathlib import Path

CONFIG = Path("/kafka/config/connect-distributed.properties")
BARE = (
    "BOOTSTRAP_SERVERS", "GROUP_ID", "CONFIG_STORAGE_TOPIC", "OFFSET_STORAGE_TOPIC",
    "STATUS_STORAGE_TOPIC", "KEY_CONVERTER", "VALUE_CONVERTER",
)  # fmt: skip
REQUIRED = BARE[:4]
JSON = "org.apache.kafka.connect.json.JsonConverter"
NOT_PROPERTIES = re.compile(r"CONNECT_LOG4J")


def properties(environment: dict[str, str]) -> dict[str, str]:
    """The worker's properties."""
    found = {
        "plugin.path": "/kafka/connect",
        "listeners": f"http://0.0.0.0:{environment.get('REST_PORT', '8083')}",
        "rest.advertised.host.name": environment.get("ADVERTISED_HOST_NAME", socket.gethostname()),
        "status.storage.topic": "connect-status",
        "key.converter": JSON,
        "value.converter": JSON,
    }
    for name, value in environment.items():
        if name in BARE:
            found[name.lower().replace("_", ".")] = value
        elif name.startswith("CONNECT_") and not NOT_PROPERTIES.match(name):
            found[name.removeprefix("CONNECT_").lower().replace("_", ".")] = value
    return found


def main() -> None:
    """Write the properties and become the worker."""
    if sys.argv[1:2] != ["start"]:
        os.execvp(sys.argv[1], sys.argv[1:])
    missing = [name for name in REQUIRED if not os.environ.get(name)]
    if missing:
        sys.exit(f"{', '.join(missing)} must be set")
    text = "".join(
        f"{name}={value}\n" for name, value in sorted(properties(dict(os.environ)).items())
    )
    CONFIG.write_text(text, encoding="utf-8")
    argv = [
        "java", *os.environ.get("HEAP_OPTS", "-Xmx1G").split(),
        "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
        "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
        *os.environ.get("KAFKA_OPTS", "").split(),
        "-Dlog4j2.configurationFile=/kafka/config/log4j2.properties",
        "-cp", "/kafka/libs/*", "org.apache.kafka.connect.cli.ConnectDistributed", str(CONFIG),
    ]  # fmt: skip
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main()
