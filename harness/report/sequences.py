"""Which keys of a scenario get a sequence diagram, and what each stands for.

First the keys of violations, then those that a fault's evidence names, those that were asked for,
and the first few of the workload, so that a sound flow can be seen, too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.files import safe_name
from harness.report.blow import Blow, blow_of
from harness.report.load import StoredScenario
from harness.report.recording import Recording
from harness.report.sequence import diagram_of
from harness.report.sequence_svg import svg
from harness.report.wire import first_keys, read_messages

_OTHERS = 3
"""Keys of the workload that are drawn though nothing happened to them."""
_LAST = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One key's diagram in the page."""

    anchor: str
    key: str
    why: str
    """`violated`, `struck`, or nothing."""
    drawing: Markup
    hidden: int
    """Messages that are not drawn."""


def sequences_of(
    stored: StoredScenario,
    recording: Recording,
    *,
    asked: Sequence[str] = (),
    most: int,
    most_messages: int,
) -> tuple[Drawn, ...]:
    """At most `most` diagrams, those that were asked for always among them."""
    blows = [blow for fault in stored.record.faults if (blow := blow_of(fault)) is not None]
    wanted = _keys(stored, recording, blows, asked)
    kept = [key for n, (key, _) in enumerate(wanted) if n < most or key in asked]
    whys = dict(wanted)
    messages = read_messages(stored.record.dir, kept)
    roles = {node.name: node.role for node in stored.record.nodes}
    anchor = safe_name(stored.scenario.slug)
    found = []
    for number, (key, own) in enumerate(messages.items(), start=1):
        diagram = diagram_of(
            key,
            own,
            blows=blows,
            roles={"client": "workload", **roles},
            ending=_ending(stored, key),
            most=most_messages,
        )
        place = f"{anchor}.wire.{number}"
        found.append(
            Drawn(
                anchor=place,
                key=key,
                why=whys[key],
                drawing=Markup(svg(diagram, place)),  # noqa: S704 - escaped where it is drawn
                hidden=diagram.hidden,
            )
        )
    return tuple(found)


def _keys(
    stored: StoredScenario, recording: Recording, blows: Iterable[Blow], asked: Iterable[str]
) -> list[tuple[str, str]]:
    """Each key once, with why it is shown."""
    violated = [key for v in stored.violations for key in stored.evidence.get(v.invariant, {})]
    struck = [key for blow in blows for key in blow.keys]
    found = dict.fromkeys(violated, "violated")
    for key in struck:
        found.setdefault(key, "struck")
    others = _workload(stored, recording)
    for key in [*asked, *others]:
        found.setdefault(key, "")
    return list(found.items())


def _workload(stored: StoredScenario, recording: Recording) -> Iterator[str]:
    """The first keys that clients asked something for; without a history, the first at all."""
    keys = dict.fromkeys(op.key for op in recording.operations if op.key is not None)
    yield from list(keys)[:_OTHERS] or first_keys(stored.record.dir, _OTHERS)


def _ending(stored: StoredScenario, key: str) -> str:
    """What never came, from the chain that broke."""
    for chains in stored.evidence.values():
        for link in chains[key].links if key in chains else ():
            for traced in link.traces:
                if traced.kind == _LAST:
                    return traced.text.partition("; ")[2] or traced.text
    return ""
