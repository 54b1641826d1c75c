"""Offset commits as the coordinator's log has them."""

from harness.engine.positions import Step, asking, count, meant, requests_of
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
        [Step(("t", 0), range(5)), Step(("t", 1), range(7))],
        [Step(("t", 0), range(5, 6))],
        [Step(("t", 0), range(6, 6)), Step(("t", 1), range(7, 7))],
        [Step(("t", 0), range(6, 5))],
    ]


def test_a_request_is_found_by_all_that_it_asks_for() -> None:
    """Each time that it was asked, with what it meant then."""
    log = [[commit(0, 5), commit(1, 7)], [commit(0, 6), commit(1, 7)], [commit(1, 7), commit(0, 6)]]
    wanted = [("t", 0, 6), ("t", 1, 7)]
    assert asking(log, wanted) == [
        [Step(("t", 0), range(5, 6))],
        [Step(("t", 1), range(7, 7)), Step(("t", 0), range(6, 6))],
    ]
    assert asking(log, wanted[:1]) == []


def test_positions_are_counted_by_the_keys_that_they_newly_cover() -> None:
    """Those of other topics are not; where no record is known the key is `-`."""
    found = [
        [Step(("t", 0), range(5))],
        [Step(("t", 0), range(5, 5))],
        [Step(("t", 0), range(5, 7)), Step(("u", 1), range(1)), Step(("t", 1), range(9))],
        [Step(("t", 2), range(1))],
    ]
    keys = {
        ("t", 0, 4): "17",
        ("t", 0, 5): "18",
        ("t", 0, 6): "17",
        ("u", 1, 0): "17",
        ("t", 2, 0): NO_KEY,
    }

    def at(place: tuple[str, int], offset: int) -> str | None:
        return keys.get((*place, offset))

    assert [count(found, ["t"], key, at) for key in ("17", "18", NO_KEY)] == [2, 1, 3]
    assert count(found, ["t", "u"], "17", at) == 3
