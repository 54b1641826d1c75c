"""What one run asks of the engine: containers of its own, by its label, and of Compose.

Everything blocks. No object is touched that does not carry the run's label.
"""

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.environments.docker import context, names
from harness.environments.docker.command import execute
from harness.environments.docker.sdk import engine_errors, host
from harness.errors import EnvironmentFailed, HarnessBug

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_COMPOSE_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What the engine knows of one container."""

    id: str
    pid: int | None
    """Of its first process on this machine; None while it does not run."""
    code: int
    is_paused: bool


class Engine:
    """The objects of one run."""

    def __init__(self, client: "DockerClient", place: Path) -> None:
        self._client = client
        self._place = place
        self.run = run = place.name
        self._filter = {"label": f"{names.RUN_LABEL}={run}"}

    # --- networks -----------------------------------------------------------------------------

    def make_network(self) -> tuple[str, Any]:
        """The run's own network, on addresses that nobody has. Returns its name and subnet."""
        from docker.errors import APIError  # noqa: PLC0415 - see sdk
        from docker.types import IPAMConfig, IPAMPool  # noqa: PLC0415 - see sdk

        name = names.project(self.run)
        with engine_errors("a network for the run"):
            for subnet in names.free_subnets(self._taken_subnets()):
                pool = IPAMPool(subnet=str(subnet), gateway=str(subnet[1]))
                try:
                    self._client.networks.create(
                        name, driver="bridge", ipam=IPAMConfig(pool_configs=[pool]),
                        labels=names.run_labels(self._place),
                    )  # fmt: skip
                except APIError as error:
                    # Another run was quicker, or an address of this machine lies in there.
                    if "overlap" not in str(error).lower():
                        raise
                else:
                    return name, subnet
        raise EnvironmentFailed("no network could be made for the run: all addresses are taken")

    def _taken_subnets(self) -> Iterable[str]:
        for network in self._client.networks.list():
            for pool in (network.attrs.get("IPAM") or {}).get("Config") or ():
                if pool.get("Subnet"):
                    yield str(pool["Subnet"])

    # --- containers ---------------------------------------------------------------------------

    def compose(
        self, files: Sequence[Path], verb: Sequence[str], environ: Mapping[str, str]
    ) -> None:
        """`docker compose … VERB`, its command made by testcontainers. Raises EnvironmentFailed
        with the end of what it said."""
        from testcontainers.compose import DockerCompose  # noqa: PLC0415 - see sdk

        command = DockerCompose(
            context=files[0].parent,
            compose_file_name=[str(path) for path in files],
            # Else it looks for one, and may come to Podman's.
            docker_command_path="docker",
        ).docker_compose_command()
        execute(
            [*command, *verb],
            name=f"docker compose {verb[0]}",
            timeout_s=_COMPOSE_TIMEOUT_S,
            cwd=files[0].parent,
            env=context.handed_on({**os.environ, **environ}, host(self._client)),
            # Ctrl-C is for the harness, which cleans up.
            apart=True,
        )

    def container(self, node: str, kind: str = names.NODE) -> "Container":
        """The node's container, running or not. Raises EnvironmentFailed."""
        with engine_errors(node):
            found = self._client.containers.list(
                all=True,
                filters={
                    "label": [
                        f"{names.RUN_LABEL}={self.run}",
                        f"{names.NODE_LABEL}={node}",
                        f"{names.KIND_LABEL}={kind}",
                    ]
                },
            )
        if len(found) != 1:
            raise EnvironmentFailed(
                f"{node}: {len(found)} containers of this run, and one is wanted"
            )
        return found[0]

    def run_beside(
        self,
        node: str,
        image: str,
        command: Sequence[str],
        *,
        kind: str,
        environ: Mapping[str, str],
    ) -> "Container":
        """Start a container of the run in the network of the node's sandbox, with no right
        besides. Raises EnvironmentFailed."""
        sandbox = self.container(node, names.SANDBOX)
        with engine_errors(f"starting {kind}"):
            return self._client.containers.run(
                image, list(command), detach=True, init=True, read_only=True,
                network_mode=f"container:{sandbox.id}", cap_drop=["ALL"],
                security_opt=["no-new-privileges:true"], environment=dict(environ),
                labels=names.labels(self._place, node, kind),
            )  # fmt: skip

    def inspect(self, container: "Container") -> Inspected:
        """Now. Raises EnvironmentFailed where it is gone."""
        with engine_errors(f"container {container.name}"):
            container.reload()
        if container.labels.get(names.RUN_LABEL) != self.run:
            raise HarnessBug(f"container {container.name} is none of this run's")
        state = container.attrs["State"]
        return Inspected(
            id=str(container.id),
            pid=int(state["Pid"]) or None if state["Running"] else None,
            code=int(state["ExitCode"]),
            is_paused=bool(state["Paused"]),
        )

    def follow(self, container: "Container", log: Path, since: float) -> None:
        """Append what it prints to the log, on a thread that ends with the container."""

        def copy() -> None:
            try:
                with log.open("ab") as file:
                    for chunk in container.logs(stream=True, follow=True, since=since):
                        file.write(chunk)
                        file.flush()
            except Exception:  # noqa: BLE001, S110 (the container is gone: so is what it said)
                pass

        threading.Thread(target=copy, daemon=True, name=f"log-{container.name}").start()

    def watch_deaths(self, tell: Callable[[str, int], None]) -> Callable[[], None]:
        """Tell (container id, exit code) of every end, from a thread, until what is returned is
        called."""
        with engine_errors("the engine's events"):
            events = self._client.events(
                decode=True, filters={**self._filter, "type": "container", "event": "die"}
            )

        def read() -> None:
            try:
                for event in events:
                    attributes = event["Actor"]["Attributes"]
                    tell(event["Actor"]["ID"], int(attributes.get("exitCode", 255)))
            except Exception:  # noqa: BLE001 (closed under it: nobody listens any more)
                return

        threading.Thread(target=read, daemon=True, name="docker-events").start()
        close: Callable[[], None] = events.close
        return close

    def discard(self, container: "Container") -> None:
        """Remove a container of the run with its disk: its anonymous volumes, and the named ones
        that carry the run's label."""
        mounts = container.attrs.get("Mounts") or ()
        with engine_errors(f"removing {container.name}"):
            container.remove(force=True, v=True)
            for mount in mounts:
                if mount.get("Type") == "volume":
                    self._discard_volume(str(mount["Name"]))

    def _discard_volume(self, name: str) -> None:
        from docker.errors import NotFound  # noqa: PLC0415 - see sdk

        try:
            volume = self._client.volumes.get(name)
        except NotFound:
            return
        if (volume.attrs.get("Labels") or {}).get(names.RUN_LABEL) == self.run:
            volume.remove()

    def remove_all(self) -> None:
        """Remove every container, volume and network of the run. Idempotent."""
        remove(self._client, self.run)


def remove(client: "DockerClient", run: str) -> int:
    """Remove what carries the run's label, and nothing else. Returns how many objects that were."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415 - see sdk

    label = {"label": f"{names.RUN_LABEL}={run}"}
    count = 0
    with engine_errors(f"removing run {run}"):
        found = client.containers.list(all=True, filters=label, ignore_removed=True)
        # What joins another's network goes before it.
        found.sort(key=lambda c: c.labels.get(names.KIND_LABEL) == names.SANDBOX)
        for container in found:
            try:
                container.remove(force=True, v=True)
            except NotFound:
                continue
            except APIError as error:  # somebody else removes it at this moment
                if error.status_code != 409:
                    raise
            count += 1
        for each in (*client.networks.list(filters=label), *client.volumes.list(filters=label)):
            each.remove()
            count += 1
    return count
