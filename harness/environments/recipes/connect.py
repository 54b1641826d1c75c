"""Kafka Connect with Debezium: the Debezium image's contract (`BOOTSTRAP_SERVERS`, `GROUP_ID`,
`*_STORAGE_TOPIC`, `CONNECT_*`), natively, as one distributed worker."""

from harness.drivers.connect import Connect as Client
from harness.environments.process import Launch
from harness.environments.recipes import jvm
from harness.environments.recipes.base import NotReady, Site, base_path
from harness.environments.recipes.properties import from_environment, property_name, render
from harness.errors import DeclarationError
from harness.model.system import ROLE_PORTS, Node, Role

PORT = ROLE_PORTS[Role.KAFKA_CONNECT]
_HEAP_MIB = 384
_BARE = (
    "BOOTSTRAP_SERVERS",
    "GROUP_ID",
    "CONFIG_STORAGE_TOPIC",
    "OFFSET_STORAGE_TOPIC",
    "STATUS_STORAGE_TOPIC",
    "KEY_CONVERTER",
    "VALUE_CONVERTER",
)
_REQUIRED = ("bootstrap.servers", "group.id", "config.storage.topic", "offset.storage.topic",
             "status.storage.topic")  # fmt: skip
_NOT_PROPERTIES = frozenset({"CONNECT_LOG4J_ROOT_LOGLEVEL", "CONNECT_LOG4J_LOGGERS"})
_JSON = "org.apache.kafka.connect.json.JsonConverter"
_DEFAULTS = {
    "key.converter": _JSON,
    "value.converter": _JSON,
    "config.storage.replication.factor": "1",
    "offset.storage.replication.factor": "1",
    "status.storage.replication.factor": "1",
    # A rebalance otherwise waits five minutes for a worker that was killed (KIP-415).
    "scheduled.rebalance.max.delay.ms": "0",
}


def properties(node: Node) -> dict[str, str]:
    """The worker's properties as the node's environment states them."""
    env = node.environment
    bare = {property_name(name): env[name] for name in _BARE if name in env}
    given = from_environment(env, "CONNECT_", excluded=_NOT_PROPERTIES)
    result = {**_DEFAULTS, **bare, **given}
    missing = [name for name in _REQUIRED if name not in result]
    if missing:
        raise DeclarationError(
            f"service {node.name}: environment lacks {', '.join(missing)}; set "
            f"{', '.join(m.upper().replace('.', '_') for m in missing)}"
        )
    return result


def internal_topics(node: Node) -> frozenset[str]:
    """The worker's own topics, which are no part of the system's data."""
    given = properties(node)
    return frozenset(given[f"{kind}.storage.topic"] for kind in ("config", "offset", "status"))


class Connect:
    """The recipe of role `kafka-connect`."""

    def __init__(self, *, record: bool = False) -> None:
        self._record = record

    async def prepare(self, site: Site) -> Launch:
        config = site.directory / "connect.properties"
        own = {
            "plugin.path": str(site.toolchain.plugin_dir),
            "plugin.discovery": "service_load",
            "listeners": f"http://0.0.0.0:{PORT}",
            "rest.advertised.host.name": site.node.name,
        }
        config.write_text(render({**properties(site.node), **own}), encoding="utf-8")
        argv = jvm.java(
            site.toolchain, role="connect", heap_mib=_HEAP_MIB,
            classpath=site.toolchain.connect_classpath,
            main="org.apache.kafka.connect.cli.ConnectDistributed", arguments=(str(config),),
            log_config=site.toolchain.log4j_config, record=self._record,
        )  # fmt: skip
        return site.launch(*argv, env={"PATH": base_path()})

    async def ready(self, site: Site) -> None:
        await answers(site.address)


async def answers(address: str) -> None:
    """One question to the worker at this address. Raises NotReady."""
    client = Client(address, PORT)
    try:
        answered = await client.ping()
    finally:
        await client.close()
    if not answered:
        raise NotReady("GET /connectors is not answered")
