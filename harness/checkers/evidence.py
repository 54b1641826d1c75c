"""Evidence: where one key left its traces, hop by hop, and the hop at which they stop.

Beside the rows of each hop stands what the wire and the write-ahead log know of them, where the
scenario was traced.
"""

from collections.abc import Mapping
from dataclasses import replace

from harness.checkers.invariant import Invariants
from harness.checkers.snapshot import QueryFailed, Snapshot, TableMissing
from harness.checkers.traces import Traces
from harness.model.record import Chain, ChainLink, ScenarioRecord
from harness.model.scenario import Hop
from harness.model.verdict import Finding

KEYS_SHOWN = 10
_ROWS_SHOWN = 20

FOUND, MISSING, ABSENT = "found", "missing", "absent"


def evidence(
    snapshot: Snapshot, record: ScenarioRecord, findings: tuple[Finding, ...]
) -> Mapping[str, Mapping[str, Chain]]:
    """Chains for the first keys of each violated invariant: invariant → key → chain."""
    broken = [f for f in findings if f.violation is not None]
    if not record.hops or not broken:
        return {}
    with Snapshot(record, Invariants(all=())) as wire:  # a suite's tables may hide the trace's
        traces = Traces(wire)
        return {
            finding.invariant: {
                key: chain(snapshot, record.hops, key, traces)
                for key in finding.violation.keys[:KEYS_SHOWN]
            }
            for finding in broken
            if finding.violation is not None
        }


def chain(
    snapshot: Snapshot, hops: tuple[Hop, ...], key: str, traces: Traces | None = None
) -> Chain:
    """One key's chain. It broke at the first hop that is missing after one that was found."""
    links = [_link(snapshot, hop, key) for hop in hops]
    broke_at, seen = None, False
    for link in links:
        seen = seen or link.state == FOUND
        if seen and link.state == MISSING:
            broke_at = link.hop
            break
    if traces is not None and traces.any:
        links = [
            _traced(link, hop, key, traces, broke=link.hop == broke_at)
            for link, hop in zip(links, hops, strict=True)
        ]
    return Chain(links=tuple(links), broke_at=broke_at)


def _traced(link: ChainLink, hop: Hop, key: str, traces: Traces, *, broke: bool) -> ChainLink:
    if link.state == ABSENT:
        return link
    last = traces.last(hop, key) if broke else ()
    return replace(link, traces=(*traces.of(hop, link.rows, key), *last))


def _link(snapshot: Snapshot, hop: Hop, key: str) -> ChainLink:
    rows: tuple[Mapping[str, object], ...]
    try:
        rows = snapshot.rows(hop.query.strip().rstrip(";"), _ROWS_SHOWN, {"key": key})
        state = MISSING if not rows or any(row.get("missing") for row in rows) else FOUND
    except TableMissing:
        rows, state = (), ABSENT
    except QueryFailed as error:
        # Evidence explains a verdict and never overturns it: a broken hop says so in its place.
        rows, state = ({"error": str(error)},), ABSENT
    return ChainLink(hop=hop.name, node=hop.node, says=hop.says, state=state, rows=rows)
