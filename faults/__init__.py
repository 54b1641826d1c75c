"""The catalogue of faults: one file a mechanism, each with its injection, proof and heal.

`CATALOGUE` is the closed set of names that `--fault` accepts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from faults.connector import ConnectorRestart
from faults.cut_and_kill import CutAndKill
from faults.kill import Kill
from faults.partition import Partition
from harness.errors import DeclarationError
from harness.model.system import Role, System
from harness.protocols import Fault, Stage

NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One entry of the catalogue."""

    name: str
    says: str
    mechanism: str
    proof: str
    make: Callable[[Stage], Fault]
    needs: Role | None = None
    """A role without which the fault makes no sense."""

    def fits(self, system: System) -> bool:
        """Whether the system has what the fault needs."""
        return self.needs is None or bool(system.with_role(self.needs))


def _broker(stage: Stage) -> str:
    return stage.system.with_role(Role.KAFKA)[0].name


def _worker(stage: Stage) -> str:
    return stage.system.with_role(Role.KAFKA_CONNECT)[0].name


def _cut_and_kill(stage: Stage) -> Fault:
    return CutAndKill(
        stage, writer=stage.pattern.writer, publisher=stage.pattern.publisher, broker=_broker(stage)
    )


def _partition(stage: Stage) -> Fault:
    clients = tuple(
        n.name for n in stage.system.nodes if n.role in {Role.SERVICE, Role.KAFKA_CONNECT}
    )
    return Partition(stage, clients=clients, server=_broker(stage))


_KINDS = (
    Kind(
        name="kill-between-commit-and-publish",
        says="SIGKILL the writer when its row is committed and no record of it has left",
        mechanism="cut publisher→broker, await a new row in the writer's database, SIGKILL the "
        "writer, mend, let it restart",
        proof="the link drops packets, the row is there and its record is not, the process is gone",
        make=_cut_and_kill,
        needs=Role.KAFKA,
    ),
    Kind(
        name="kill",
        says="SIGKILL the writer at a seeded time",
        mechanism="SIGKILL of the whole process tree, held down, then restarted",
        proof="the process is gone, and its port refuses",
        make=lambda stage: Kill(stage, node=stage.pattern.writer, name="kill"),
    ),
    Kind(
        name="broker-partition",
        says="the broker is out of reach of every service for a while",
        mechanism="drop rules between the broker and each of its clients",
        proof="from each client's own network a connection is not answered and packets are dropped",
        make=_partition,
        needs=Role.KAFKA,
    ),
    Kind(
        name="connector-restart",
        says="restart every connector with its tasks through Connect's REST interface",
        mechanism="POST /connectors/NAME/restart?includeTasks=true",
        proof="the server process behind the connector's replication slot is another one",
        make=lambda stage: ConnectorRestart(stage, worker=_worker(stage)),
        needs=Role.KAFKA_CONNECT,
    ),
    Kind(
        name="connect-kill",
        says="SIGKILL the Connect worker and start it again",
        mechanism="SIGKILL of the whole process tree, held down, then restarted",
        proof="the process is gone, and its port refuses",
        make=lambda stage: Kill(stage, node=_worker(stage), name="connect-kill"),
        needs=Role.KAFKA_CONNECT,
    ),
)

CATALOGUE: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}


def find(name: str) -> Kind:
    """The fault of that name. Raises DeclarationError with the names there are."""
    try:
        return CATALOGUE[name]
    except KeyError:
        known = ", ".join((NONE, *CATALOGUE))
        raise DeclarationError(f"--fault {name}: no such fault; there are {known}") from None
