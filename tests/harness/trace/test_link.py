"""What holds for readers of every protocol, whatever is fed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.frame import FROM_CLIENT, FROM_SERVER
from harness.trace.link import LONGEST_NAME, OpaqueReader, lost
from harness.trace.tracer import PROTOCOLS, Tracer
from harness.wire.stream import Direction, LostSync
from tests.harness.trace.captures import NAMES, Chunk, load, opened, play, recut, replayed

CHUNKS = {name: load(name) for name in NAMES}
SIDES = (FROM_CLIENT, FROM_SERVER)


@given(name=st.sampled_from(NAMES), sizes=st.lists(st.integers(1, 400), min_size=1, max_size=9))
def test_the_same_bytes_give_the_same_frames(name: str, sizes: list[int]) -> None:
    """However they are cut."""
    chunks = CHUNKS[name]
    assert play(opened(name), recut(chunks, sizes)) == play(opened(name), chunks)


@pytest.mark.parametrize("name", NAMES)
def test_every_recording_is_understood(name: str) -> None:
    """Frames are in order and lie behind one another; all that came may go on in the end."""
    chunks = CHUNKS[name]
    reader = opened(name)
    frames = play(reader, chunks)
    assert frames
    assert not [frame for frame in frames if frame.kind in {"lost-sync", "unparsed"}]
    for side in SIDES:
        ends = [(frame.first, frame.end) for frame in frames if frame.direction == side]
        assert ends == sorted(ends)
        assert reader.boundary(side) == sum(len(data) for who, data in chunks if who == side)
    assert all(frame.first < frame.end for frame in frames)
    assert all(len(frame.name) <= LONGEST_NAME for frame in frames)


@given(name=st.sampled_from(NAMES), data=st.data())
def test_a_boundary_cuts_no_message(name: str, data: st.DataObject) -> None:
    """Up to it all frames have been told; the next one begins there or beyond."""
    chunks = recut(CHUNKS[name], data.draw(st.lists(st.integers(1, 300), min_size=1, max_size=5)))
    at = data.draw(st.integers(0, len(chunks)))
    reader = opened(name)
    before = play(reader, chunks[:at])
    boundaries = {side: reader.boundary(side) for side in SIDES}
    after = play(reader, chunks[at:])
    assert all(frame.end <= boundaries[frame.direction] for frame in before)
    assert all(frame.first >= boundaries[frame.direction] for frame in after)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, list[Chunk]]:
    """A recording in which bytes were changed, dropped, doubled, or sent by the other side."""
    name = draw(st.sampled_from(NAMES))
    chunks = list(CHUNKS[name])
    for _ in range(draw(st.integers(1, 6))):
        if not chunks:
            break
        i = draw(st.integers(0, len(chunks) - 1))
        side, whole = chunks[i]
        at = draw(st.integers(0, len(whole)))
        match draw(st.integers(0, 4)):
            case 0:
                chunks[i] = (side, whole[:at] + draw(st.binary(max_size=9)) + whole[at + 1 :])
            case 1:
                chunks[i] = (side, whole[:at])
            case 2:
                chunks.insert(i, chunks[i])
            case 3:
                chunks[i] = (SIDES[side == FROM_CLIENT], whole)
            case _:
                del chunks[i]
    return name, chunks


@given(damaged(), st.booleans())
def test_nothing_is_raised_for_damaged_conversations(
    case: tuple[str, list[Chunk]], closed: bool
) -> None:
    """And what is asked for has an end, whatever comes."""
    name, chunks = case
    tracer = Tracer(frozenset({"order_id", "key"}))
    reader = opened(name, tracer)
    frames = play(reader, chunks)
    for side in SIDES:
        fed = sum(len(data) for who, data in chunks if who == side)
        assert 0 <= reader.boundary(side) <= fed
    for frame in frames:
        assert (frame.effect is None) == (frame.outcome is None)
    if closed:
        reader.close()
        assert tracer.unanswered("c") == ()


@given(
    protocol=st.sampled_from(PROTOCOLS),
    chunks=st.lists(st.tuples(st.sampled_from(SIDES), st.binary(max_size=200)), max_size=12),
)
def test_nothing_is_raised_for_any_bytes(protocol: str, chunks: list[Chunk]) -> None:
    """Each direction loses sync at most once, and then all of it may go on."""
    reader = Tracer(frozenset({"k"})).open("a", "b", 1, protocol)
    frames = play(reader, chunks)
    for side in SIDES:
        fed = sum(len(data) for who, data in chunks if who == side)
        lost_sync = [f for f in frames if f.kind == "lost-sync" and f.direction == side]
        assert len(lost_sync) <= 1
        if lost_sync:
            assert reader.boundary(side) == fed
            assert lost_sync[0].error


def test_a_reader_can_be_closed_twice_and_forget() -> None:
    for protocol in PROTOCOLS:
        reader = Tracer(frozenset()).open("a", "b", 1, protocol)
        reader.feed(FROM_CLIENT, b"x")
        reader.forget()
        reader.close()
        reader.close(delivered=1)
        assert reader.boundary(FROM_SERVER) == 0


def test_a_loss_of_sync_is_a_frame() -> None:
    frame = lost(LostSync(direction=Direction.SERVER, from_byte=7, reason="TLS"))
    assert (frame.direction, frame.first, frame.end) == (FROM_SERVER, 7, 7)
    assert (frame.kind, frame.error) == ("lost-sync", "TLS")


def test_opaque_bytes_pass() -> None:
    reader = OpaqueReader()
    assert reader.feed(FROM_SERVER, b"abc") == []
    assert (reader.boundary(FROM_CLIENT), reader.boundary(FROM_SERVER)) == (0, 3)


def test_recordings_on_one_tracer_share_what_they_know() -> None:
    """What one connection produces has its key when another one commits its offset."""
    tracer = Tracer(frozenset())
    replayed("kafka-kafka_python-produce", tracer)
    frames = replayed("kafka-kafka_python-group", tracer)
    keys = [f.keys for f in frames if f.kind == "offset-commit"]
    assert keys == [("17",), (), (), ()]
