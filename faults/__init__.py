"""The catalogue of faults: one file a mechanism, each with its injection, proof and heal.

`CATALOGUE` is the closed set of names that `--fault` accepts; besides, it takes any point of the
wire (faults.point), any outage of a part (faults.outage), any toxic on a link (faults.toxic), and
what a suite has given a name. Some names are short forms of points, which a pattern spells out for
itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from faults import toxic as toxics
from faults.at_point import AtPoint
from faults.connector import ConnectorRestart
from faults.failing import Failing
from faults.hang import Hang
from faults.kill import Kill
from faults.outage import FORMS, MECHANISM, PROOF, SAYS, Ill, Outage
from faults.partition import Partition
from faults.point import FORM, Point
from faults.poisoned import Poisoned
from faults.toxic import Poison
from harness.errors import DeclarationError
from harness.model.scenario import Pattern
from harness.model.system import Link, Role, System
from harness.stage import Fault, Stage

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
    point: Callable[[Pattern], Point | None] | None = None
    """Of a fault at a point: which one it is under a pattern, None where the pattern has none.
    Raises DeclarationError where what the pattern declares is no point."""
    outage: Outage | None = None
    """Of a fault that keeps a part away for a while: which one."""
    poison: Poison | None = None
    """Of a fault that puts a toxic on a link: which one."""

    @property
    def needs_taps(self) -> bool:
        """Whether it can't be without taps on the links."""
        of_outage = self.outage is not None and self.outage.needs_taps
        return self.point is not None or self.poison is not None or of_outage

    @property
    def lasts_s(self) -> float | None:
        """How long it keeps something from the system, None where that is over at once."""
        if self.outage is not None:
            return self.outage.duration_s
        return None if self.poison is None else self.poison.lasts_s

    def detours(self, pattern: Pattern, system: System) -> tuple[Link, ...]:
        """The links that have to go by way of Toxiproxy."""
        link = None if self.poison is None else self.poison.link_under(pattern, system)
        return () if link is None else (link,)

    def unfit(self, pattern: Pattern, system: System) -> str | None:
        """What the fault needs and the pattern does not have; None where it has all."""
        if self.needs is not None and not system.with_role(self.needs):
            return f"there is no {self.needs.value} node"
        if self.outage is not None:
            return self.outage.unfit(system)
        if self.poison is not None:
            return self.poison.unfit(pattern, system)
        if self.point is None:
            return None
        point = self.point(pattern)
        return "it declares no such point" if point is None else point.unfit(system)

    def names_one(self, pattern: Pattern) -> bool:
        """Whether it strikes at one effect that depends on the seed."""
        point = None if self.point is None else self.point(pattern)
        return point is not None and point.names_one


def _broker(stage: Stage) -> str:
    return stage.system.with_role(Role.KAFKA)[0].name


def _worker(stage: Stage) -> str:
    return stage.system.with_role(Role.KAFKA_CONNECT)[0].name


def _partition(stage: Stage) -> Fault:
    clients = tuple(
        n.name for n in stage.system.nodes if n.role in {Role.SERVICE, Role.KAFKA_CONNECT}
    )
    return Partition(stage, clients=clients, server=_broker(stage))


_KILL_AT_POINT = (
    "every link of the process stands still, what is under way is answered or held, the process "
    "is frozen and gets SIGKILL, what it had sent beyond the point is dropped; then it restarts"
)
_LOSE_ANSWER = "the answer is held and dropped, so that its client never gets one"
_POINT_PROOF = "the process is gone, and the effect's own store says on which side of it"


def _short_form(name: str, says: str, mechanism: str = _KILL_AT_POINT) -> Kind:
    """A name for a point that each pattern spells out."""

    def point(pattern: Pattern) -> Point | None:
        text = pattern.points.get(name)
        if text is None:
            return None
        try:
            return Point.parse(text)
        except DeclarationError as wrong:
            raise DeclarationError(f"pattern {pattern.name}, points, {name}: {wrong}") from wrong

    def make(stage: Stage) -> Fault:
        declared = point(stage.pattern)
        if declared is None:
            raise DeclarationError(f"pattern {stage.pattern.name} declares no point {name}")
        return AtPoint(stage, declared, name=name)

    return Kind(
        name=name,
        says=says,
        mechanism=mechanism,
        proof=_POINT_PROOF,
        make=make,
        point=point,
    )


_KINDS = (
    _short_form(
        "kill-between-commit-and-publish",
        "SIGKILL the writer when its change is committed and no record of it has left",
    ),
    _short_form(
        "kill-before-commit", "SIGKILL the writer when it has asked for the commit, which is held"
    ),
    _short_form(
        "kill-between-publish-and-mark",
        "SIGKILL the publisher when a record is acknowledged and that is not noted yet",
    ),
    _short_form(
        "kill-between-effect-and-offset-commit",
        "SIGKILL a consumer when its effect is committed and its offset is not",
    ),
    _short_form(
        "kill-connect-before-offset-flush",
        "SIGKILL the Connect worker when it is about to tell the database how far it has read",
    ),
    _short_form("answer-lost", "the answer to a call between services never arrives", _LOSE_ANSWER),
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

POINTS_SAY = "strike a node, or its link, right before or after an effect on the wire"
POINTS_MECHANISM = "links stand still at the effect, the action strikes, then all goes on"
POINTS_PROOF = "what the action does is measured, and the effect's store says whether it is there"


def find(name: str, named: Mapping[str, str] = MappingProxyType({})) -> Kind:
    """The fault of that name, the one at that point, or that outage; `named` are the suite's own
    names for such. Raises DeclarationError with what there is."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    text = named.get(name, name)
    try:
        if Outage.is_one(text):
            return _outage(Outage.parse(text), name)
        if Poison.is_one(text):
            return _poison(Poison.parse(text), name)
        if ":" in text:
            return _at_point(Point.parse(text), name)
    except DeclarationError as wrong:
        raise DeclarationError(f"--fault {wrong}") from wrong
    known = ", ".join((NONE, *CATALOGUE, *named))
    raise DeclarationError(
        f"--fault {name}: no such fault; there are {known}, outages: "
        f"{', '.join(FORMS.values())}, toxics: {', '.join(toxics.FORMS.values())}, "
        f"and points: {FORM}"
    )


def _at_point(point: Point, name: str) -> Kind:
    return Kind(
        name=name,
        says=f"{point.action.value} {point.target} {point.trigger.when.value} {point.address}",
        mechanism=POINTS_MECHANISM,
        proof=POINTS_PROOF,
        make=lambda stage: AtPoint(stage, point, name=name),
        point=lambda _pattern: point,
    )


def _outage(outage: Outage, name: str) -> Kind:
    def make(stage: Stage) -> Fault:
        node, duration_s = outage.node, outage.duration_s
        match outage.ill:
            case Ill.DOWN:
                return Kill(stage, node=node, name=name, duration_s=duration_s)
            case Ill.HANG:
                return Hang(stage, node=node, name=name, duration_s=duration_s)
            case Ill.ERRORS:
                return Failing(
                    stage, client=outage.client, server=node, status=outage.status, name=name,
                    duration_s=duration_s,
                )  # fmt: skip

    return Kind(
        name=name,
        says=f"{outage.text}: {SAYS[outage.ill]}",
        mechanism=MECHANISM[outage.ill],
        proof=PROOF[outage.ill],
        make=make,
        outage=outage,
    )


def _poison(poison: Poison, name: str) -> Kind:
    def make(stage: Stage) -> Fault:
        link = poison.link_under(stage.pattern, stage.system)
        if link is None:
            raise DeclarationError(f"{poison.text}: nobody publishes to a broker; name a link")
        return Poisoned(stage, poison=poison, link=link, name=name)

    return Kind(
        name=name,
        says=f"{poison.text}: {toxics.SAYS[poison.ail]}",
        mechanism=toxics.MECHANISM[poison.ail],
        proof=toxics.PROOF[poison.ail],
        make=make,
        poison=poison,
    )
