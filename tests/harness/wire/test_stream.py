"""What parsers share: feeding, a tally, the loss of one direction."""

from collections.abc import Callable

import pytest

from harness.wire.stream import Direction, Feeding, LostSync, OutOfSync, Tally, event


@event
class Seen:
    """A letter, and where it stands."""

    place: int
    letter: str


class Letters:
    """One direction, in which every byte is a message, and `!` is none."""

    def __init__(self, tell: Callable[[int, str], None]) -> None:
        self.fed = self.start = 0
        self._tell = tell

    @property
    def boundary(self) -> int:
        return self.start

    def feed(self, data: bytes) -> None:
        self.fed += len(data)
        for byte in data:
            if byte == ord("!"):
                raise OutOfSync("no letter")
            self._tell(self.start, chr(byte))
            self.start += 1


class Parser(Feeding[Seen, Tally]):
    """Both directions."""

    def __init__(self) -> None:
        super().__init__(Letters(self._read), Letters(self._read), Tally())

    def _read(self, place: int, letter: str) -> None:
        self._events.append(Seen(place=place, letter=letter))


def test_an_event_is_a_value() -> None:
    """By keyword; equal to its like, and with its hash."""
    one, other = Seen(place=1, letter="a"), Seen(letter="a", place=1)
    assert one == other
    assert hash(one) == hash(other)
    assert not hasattr(one, "__dict__")
    with pytest.raises(TypeError):
        Seen(1, "a")  # type: ignore[call-arg] # what is shown


def test_a_direction_is_lost_once_and_the_other_goes_on() -> None:
    """What comes after the loss is counted, from the message on that could not be read."""
    parser = Parser()
    assert len(parser.feed_client(b"ab!c")) == 3
    assert parser.feed_client(b"defg") == []
    assert parser.tally == Tally(bytes_after_loss=6)
    assert parser.boundary(Direction.CLIENT) == 2
    assert parser.feed_server(b"!") == [
        LostSync(direction=Direction.SERVER, from_byte=0, reason="no letter")
    ]
    assert parser.feed_server(b"xy") == []
    assert parser.tally == Tally(bytes_after_loss=9)


def test_what_came_before_the_loss_is_told_before_it() -> None:
    """In the same list, which is the caller's."""
    parser = Parser()
    lost = LostSync(direction=Direction.CLIENT, from_byte=1, reason="no letter")
    told = parser.feed_client(b"a!")
    assert told == [Seen(place=0, letter="a"), lost]
    told.clear()
    assert parser.feed_server(b"") == []
