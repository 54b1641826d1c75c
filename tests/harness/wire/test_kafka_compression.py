"""Codecs, from literal bytes and from damaged ones."""

import gzip
import tracemalloc

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire.kafka_compression import CODECS, inflate
from harness.wire.kafka_primitives import Malformed

TEXT = b"order placed " * 9 + b"!"

PACKED = {
    "gzip": gzip.compress(TEXT, mtime=0),
    "snappy": bytes.fromhex("76306f7264657220706c6163656420fe0d009e0d000021"),
    "xerial": bytes.fromhex(
        "82534e415050590000000001000000010000001776306f7264657220706c6163656420fe0d009e0d000021"
    ),
    "lz4": bytes.fromhex(
        "04224d187c4076000000000000007917000000df6f7264657220706c61636564200d0051506365642021"
        "e97a289f000000004ae3a9cc"
    ),
    "zstd": bytes.fromhex("28b52ffd2076ad0000706f7264657220706c616365642021010005d2f905"),
}
"""What the codecs' own libraries make of it; `xerial` is snappy as Java frames it, this LZ4 has
all the checksums that there are."""
LINKED = bytes.fromhex(
    "04224d1860408223000000df6f7264657220706c61636564200d00551f216900550968000f76005f50636564"
    "202100000000"
)
"""The text three times over, in LZ4 without sizes and checksums."""


@pytest.mark.parametrize("codec", list(PACKED))
def test_what_went_in_comes_out(codec: str) -> None:
    """Whole, or its beginning."""
    packed, codec = PACKED[codec], codec.replace("xerial", "snappy")
    assert inflate(codec, packed, 1 << 20) == TEXT
    assert inflate(codec, packed, 20) == TEXT[:20]


def test_lz4_blocks_reach_back() -> None:
    """Copies that overlap, and lengths that go on."""
    assert inflate("lz4", LINKED, 1 << 20) == TEXT * 3


@pytest.mark.parametrize(
    "head", ["00 70", "00 ff", "a0 01008000", "e0 0000000001000000", "a1 01 01008000"]
)
def test_a_zstd_window_of_more_than_8_mib_is_refused(head: str) -> None:
    """Of a frame that says its window, or its size, which is then the window."""
    with pytest.raises(Malformed, match="window"):
        inflate("zstd", bytes.fromhex("28b52ffd" + head) + bytes(40), 100)


def test_a_snappy_block_of_a_gigabyte_is_refused() -> None:
    """Whatever it is said to hold."""
    with pytest.raises(Malformed, match="a block of 1073741824 bytes"):
        inflate("snappy", bytes.fromhex("8080808004") + bytes(40), 100)


def test_nothing_is_done_where_nothing_is_compressed() -> None:
    """The limit holds all the same."""
    assert inflate("none", TEXT, 5) == TEXT[:5]


def test_an_unknown_codec_is_malformed() -> None:
    """Kafka has no codec 6."""
    with pytest.raises(Malformed):
        inflate("6", TEXT, 5)


@pytest.mark.parametrize("codec", CODECS[1:])
def test_garbage_is_malformed(codec: str) -> None:
    """Whatever the codec."""
    with pytest.raises(Malformed):
        inflate(codec, b"\xffgarbage", 100)


@pytest.mark.parametrize("codec", CODECS[2:])
def test_a_bomb_stops_at_the_limit(codec: str) -> None:
    """16 MiB of zeros."""
    assert inflate("gzip", gzip.compress(bytes(1 << 24)), 1000) == bytes(1000)
    packed = pa.compress(bytes(1 << 24), codec, asbytes=True)
    assert inflate(codec, packed, 1000) == bytes(1000)


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_damage_leaves_no_memory_behind(codec: str) -> None:
    """What was made for the result goes with the error."""
    packed = PACKED[codec]
    damaged = packed[:9] + bytes([packed[9] ^ 0xFF]) + packed[10:-1]
    tracemalloc.start()
    try:
        for _ in range(500):
            with pytest.raises(Malformed):
                inflate(codec, damaged, 10_000)
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


@given(
    st.sampled_from(list(PACKED)),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6),
    st.integers(0, 300),
)
@settings(max_examples=150, deadline=None)
def test_damage_gives_bytes_or_malformed(
    codec: str, places: list[tuple[int, int]], most: int
) -> None:
    """And never more than was asked for."""
    data, codec = bytearray(PACKED[codec]), codec.replace("xerial", "snappy")
    for where, value in places:
        data[where % len(data)] = value
    try:
        assert len(inflate(codec, bytes(data), most)) <= most
    except Malformed:
        return
