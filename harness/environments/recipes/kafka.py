"""Kafka in KRaft mode: the official image's contract (`KAFKA_*` variables), natively."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.drivers.kafka import Kafka as Client
from harness.environments.process import Launch, Process
from harness.environments.recipes import jvm
from harness.environments.recipes.base import NotReady, Site, accepts, base_path
from harness.environments.recipes.properties import from_environment, render
from harness.errors import EnvironmentFailed
from harness.model.system import ROLE_PORTS, Role

_PORT = ROLE_PORTS[Role.KAFKA]
_HEAP_MIB = 256
_DEFAULT_CLUSTER = "5L6g3nShT-eMCtK--X86sw"
_NOT_PROPERTIES = frozenset(
    {"KAFKA_HEAP_OPTS", "KAFKA_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_LOG4J_OPTS",
     "KAFKA_LOG4J_ROOT_LOGLEVEL", "KAFKA_LOG4J_LOGGERS", "KAFKA_LOG_DIRS"}
)  # fmt: skip
_DEFAULTS = {
    # A node has 2 cores at best; the broker's own defaults are for a machine of its own.
    "num.network.threads": "2",
    "num.io.threads": "2",
    "num.recovery.threads.per.data.dir": "1",
    "log.cleaner.dedupe.buffer.size": "2097152",
}


class Kafka:
    """The recipe of role `kafka`: broker, controller or both."""

    def __init__(self, *, record: bool = False) -> None:
        self._record = record

    async def prepare(self, site: Site) -> Launch:
        data = site.directory / "data"
        config = site.directory / "server.properties"
        properties = _properties(site.node.environment, data)
        config.write_text(render(properties), encoding="utf-8")
        if not data.exists():
            template = await self._formatted(site, properties)
            await asyncio.to_thread(shutil.copytree, template, data)
        return self._java(site, "kafka.Kafka", str(config))

    def _java(self, site: Site, main: str, *arguments: str) -> Launch:
        argv = jvm.java(
            site.toolchain, role="kafka", heap_mib=_HEAP_MIB,
            classpath=site.toolchain.kafka_classpath, main=main, arguments=arguments,
            log_config=site.toolchain.log4j_config, record=self._record and main == "kafka.Kafka",
        )  # fmt: skip
        return site.launch(*argv, env={"PATH": base_path()})

    async def _formatted(self, site: Site, properties: Mapping[str, str]) -> Path:
        """A formatted data directory for this node and cluster, made at most once."""
        cluster = site.node.environment.get("CLUSTER_ID", _DEFAULT_CLUSTER)
        work = site.directory / "format"
        content = render({**properties, "log.dirs": "", "cluster": cluster})
        digest = hashlib.sha256((str(site.toolchain.kafka_classpath) + content).encode())
        template = site.toolchain.cache / "templates" / f"kafka-{digest.hexdigest()[:16]}"
        if template.exists():
            return template
        template.parent.mkdir(parents=True, exist_ok=True)
        config = site.directory / "format.properties"
        config.write_text(render({**properties, "log.dirs": str(work)}), encoding="utf-8")
        launch = self._java(
            site, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(config)
        )
        process = await Process.start(launch, hostname=site.node.name, netns_fd=site.netns_fd)
        code = await process.wait()
        if code != 0:
            raise EnvironmentFailed(
                f"{site.node.name}: formatting its storage ended with {code}; see {site.log}"
            )
        moved = template.with_name(f".{template.name}.{os.getpid()}.{site.node.name}")
        await asyncio.to_thread(shutil.copytree, work, moved)
        try:
            moved.rename(template)
        except OSError:  # another run was first: its content serves as well
            shutil.rmtree(moved, ignore_errors=True)
        return template

    async def ready(self, site: Site) -> None:
        await answers(site.address)


async def answers(address: str, names: Mapping[str, str] | None = None) -> None:
    """One question to the broker at this address, which advertises itself by one of `names`,
    where this machine does not know it. Raises NotReady."""
    await accepts(address, _PORT)
    client = Client(f"{address}:{_PORT}", names=names or {})
    try:
        answered = await client.ping()
    finally:
        await client.close()
    if not answered:
        raise NotReady("the port is open and metadata is not answered")


def _properties(environment: Mapping[str, str], data: Path) -> dict[str, str]:
    given = from_environment(environment, "KAFKA_", excluded=_NOT_PROPERTIES)
    return {**_DEFAULTS, **given, "log.dirs": str(data)}
