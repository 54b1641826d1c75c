"""Offset commits of a group as the coordinator's log has them, counted as the wire counts them.

A consumer often commits all of its partitions at once, most of them where they were. What a
commit means are the positions that have moved with it; all, where none has. Each of those counts
for the business key of the record before it.
"""

from collections.abc import Callable, Iterable, Sequence

from harness.model.address import NO_KEY
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


def meant(requests: Iterable[Sequence[OffsetCommitted]]) -> list[OffsetCommitted]:
    """Of each request the positions that moved, or all, where none did."""
    found: list[OffsetCommitted] = []
    at: dict[Place, int | None] = {}
    for request in requests:
        found += [c for c in request if at.get(_place(c)) != c.offset] or request
        at.update({_place(commit): commit.offset for commit in request})
    return found


def count(
    commits: Iterable[OffsetCommitted],
    topics: Iterable[str],
    key: str,
    key_before: Callable[[Place, int], str | None],
) -> int:
    """How many of these positions are in the topics and stand behind a record of that key."""
    wanted = frozenset(topics)
    return sum(
        (key_before(_place(c), c.offset) or NO_KEY) == key
        for c in commits
        if c.topic in wanted and c.offset is not None
    )


def _place(commit: OffsetCommitted) -> Place:
    return commit.topic, commit.partition
