"""Offset commits of a group as the coordinator's log has them, counted as the wire counts them.

A consumer often commits all of its partitions at once, most of them where they were. What a
commit means are the positions that have moved with it; all, where none has. Each of those counts
for the business keys of the records that it newly covers.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from harness.model.address import NO_KEY
from harness.trace.records import newly_read
from harness.wire.kafka_offsets import OffsetCommitted

Place = tuple[str, int]


def requests_of(group: str, commits: Iterable[OffsetCommitted]) -> list[list[OffsetCommitted]]:
    """A group's commits by request. The log does not tell requests apart; those of one are
    neighbours, of one moment, and name no partition twice."""
    found: list[list[OffsetCommitted]] = []
    for commit in commits:
        if commit.group != group or commit.offset is None:
            continue
        last = found[-1] if found else []
        same = bool(last) and last[-1].at_ms == commit.at_ms
        if same and all(_place(other) != _place(commit) for other in last):
            last.append(commit)
        else:
            found.append([commit])
    return found


class Step(NamedTuple):
    """A position, and the offsets of the records that it newly covers."""

    place: Place
    offsets: range


def meant(requests: Iterable[Sequence[OffsetCommitted]]) -> list[list[Step]]:
    """Of each request the positions that moved, or all, where none did."""
    found: list[list[Step]] = []
    at: dict[Place, int] = {}
    for request in requests:
        moved = [c for c in request if at.get(_place(c)) != c.offset] or request
        steps = [Step(_place(c), newly_read(at.get(_place(c)), c.offset or 0)) for c in moved]
        found.append(steps)
        at.update({_place(commit): commit.offset or 0 for commit in request})
    return found


def asking(
    requests: Iterable[Sequence[OffsetCommitted]], positions: Iterable[tuple[str, int, int]]
) -> list[list[Step]]:
    """What those requests mean that ask for just these (topic, partition, offset)."""
    wanted, requests = frozenset(positions), list(requests)
    return [
        steps
        for request, steps in zip(requests, meant(requests), strict=True)
        if {(c.topic, c.partition, c.offset) for c in request} == wanted
    ]


def count(
    requests: Iterable[Iterable[Step]],
    topics: Iterable[str],
    key: str,
    key_at: Callable[[Place, int], str | None],
) -> int:
    """How many of these positions are in the topics and newly cover a record of that key; `-` is
    the key where no record is known that has one."""
    wanted = frozenset(topics)
    return sum(
        key in (keys_of(step, key_at) or {NO_KEY})
        for steps in requests
        for step in steps
        if step.place[0] in wanted
    )


def keys_of(step: Step, key_at: Callable[[Place, int], str | None]) -> set[str]:
    """Of the records that it newly covers, as far as they have one."""
    found = {key_at(step.place, offset) for offset in step.offsets}
    return {key for key in found if key is not None and key != NO_KEY}


def _place(commit: OffsetCommitted) -> Place:
    return commit.topic, commit.partition
