"""Takes compressed records apart as far as their keys are needed: gzip, snappy, LZ4, Zstandard.

Promises: never more than `most` bytes come out, whatever goes in; what is not the codec's format
raises `Malformed`. The decoders are zlib's and those that Arrow brings along.
"""

import zlib
from collections.abc import Callable

import pyarrow as pa

from harness.wire.kafka_primitives import Malformed, Reader

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
"""By the lowest three bits of a batch's attributes."""

_XERIAL = b"\x82SNAPPY\0"
"""Java's snappy streams begin with this, then two int32 versions, then blocks with int32 sizes."""
_MOST_SNAPPY = 1 << 24
"""A snappy block can't be decoded in part; brokers take batches of 1 MiB by default."""
_SNAPPY_RATIO = 64 // 3 + 1
"""The longest copy makes 64 bytes of three."""
_SNAPPY = pa.Codec("snappy")

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_WINDOW = 1 << 23
"""8 MiB: the largest window that RFC 8878 asks every decoder to support."""


def inflate(codec: str, data: bytes, most: int) -> bytes:
    """The first `most` bytes of what `data` holds, or all. Raises Malformed."""
    if codec == "none" or most <= 0:  # to zlib 0 is no limit
        return data[: max(most, 0)]
    decoder = _DECODERS.get(codec)
    if decoder is None:
        raise Malformed(f"codec {codec}")
    try:
        return decoder(data, most)
    except (zlib.error, pa.ArrowException, OSError) as error:
        raise Malformed(f"{codec}: {error}") from error


def _gzip(data: bytes, most: int) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(data, most)


def _snappy(data: bytes, most: int) -> bytes:
    if not data.startswith(_XERIAL):
        return _snappy_block(data)[:most]
    out = b""
    reader = Reader(data, 16)
    while reader.at < len(data) and len(out) < most:
        out += _snappy_block(reader.take(reader.int32()))
    return out[:most]


def _snappy_block(data: bytes) -> bytes:
    """Snappy's raw format begins with its length."""
    size = Reader(data).uvarint()
    if size > min(_MOST_SNAPPY, _SNAPPY_RATIO * len(data)):
        raise Malformed(f"snappy: a block of {size} bytes")
    return bytes(_SNAPPY.decompress(data, size, asbytes=True))


def _lz4(data: bytes, most: int) -> bytes:
    return _streamed("lz4", data, most)


def _zstd(data: bytes, most: int) -> bytes:
    if _window(data) > _ZSTD_WINDOW:
        raise Malformed("zstd: a window of more than 8 MiB")
    return _streamed("zstd", data, most)


def _window(data: bytes) -> int:
    """How much a frame's decoder has to remember: RFC 8878, 3.1.1.1."""
    reader = Reader(data)
    if reader.take(4) != _ZSTD_MAGIC:
        raise Malformed("no Zstandard frame")
    flags = reader.take(1)[0]
    if flags & 0x20:
        reader.skip((0, 1, 2, 4)[flags & 3])
        return int.from_bytes(reader.take((1, 2, 4, 8)[flags >> 6]), "little")
    window = reader.take(1)[0]
    base = 1 << (10 + (window >> 3))
    return base + (base >> 3) * (window & 7)


def _streamed(codec: str, data: bytes, most: int) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(data), codec) as stream:
        return bytes(stream.read_buffer(most).to_pybytes())  # read() leaks where it raises


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "snappy": _snappy,
    "lz4": _lz4,
    "zstd": _zstd,
}
