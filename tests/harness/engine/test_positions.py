"""Offset commits as the coordinator's log has them."""

from harness.engine.positions import count, meant, requests_of
from harness.model.address import NO_KEY
from harness.wire.kafka_offsets import OffsetCommitted


def commit(
    partition: int, offset: int | None, at_ms: int = 1, group: str = "g", topic: str = "t"
) -> OffsetCommitted:
    """One position."""
    return OffsetCommitted(
        group=group, topic=topic, partition=partition, offset=offset, at_ms=at_ms
    )


def test_neighbours_of_one_moment_are_one_request() -> None:
    """Until a partition comes again; other groups' and deleted positions are none."""
    log = [
        commit(0, 5),
        commit(1, 7),
        commit(0, 6),
        commit(1, 7, at_ms=2),
        commit(9, 9, at_ms=2, group="other"),
        commit(2, None, at_ms=2),
        commit(2, 1, at_ms=2),
    ]
    assert requests_of("g", log) == [[log[0], log[1]], [log[2]], [log[3], log[6]]]


def test_a_request_means_what_moves_or_all_of_it() -> None:
    """Most of what a consumer commits has been there before."""
    first = [commit(0, 5), commit(1, 7)]
    second = [commit(0, 6), commit(1, 7)]
    back = [commit(0, 5)]
    assert meant([first, second, second, back]) == [
        *first,
        second[0],
        *second,
        *back,
    ]


def test_positions_are_counted_by_the_key_before_them() -> None:
    """Those of other topics are not; where no record is known the key is `-`."""
    found = [commit(0, 5), commit(0, 5), commit(0, 6), commit(1, 1, topic="u"), commit(1, 9)]
    keys = {("t", 0, 5): "17", ("t", 0, 6): "18", ("u", 1, 1): "17"}

    def before(place: tuple[str, int], offset: int) -> str | None:
        return keys.get((*place, offset))

    assert [count(found, ["t"], key, before) for key in ("17", "18", NO_KEY)] == [2, 1, 1]
    assert count(found, ["t", "u"], "17", before) == 3
