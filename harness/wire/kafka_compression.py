"""Takes compressed records apart as far as their keys are needed: gzip, snappy, LZ4, Zstandard.

Promises: never more than `most` bytes come out, whatever goes in; what is not the codec's format
raises `Malformed`. Snappy and LZ4 are decoded here, so that no library is needed; Zstandard is
where Python has it (3.14, or the package `zstandard`), else `Unavailable` is raised.
"""

import importlib
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from harness.wire.kafka_primitives import Malformed, Reader

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
"""By the lowest three bits of a batch's attributes."""

_XERIAL = b"\x82SNAPPY\0"
"""Java's snappy streams begin with this, then two int32 versions, then blocks with int32 sizes."""
_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_ZSTD_WINDOW_LOG = 23
"""8 MiB: the largest window that RFC 8878 asks every decoder to support."""


class Unavailable(Malformed):
    """This Python has no decoder for the codec."""


def inflate(codec: str, data: bytes, most: int) -> bytes:
    """The first `most` bytes of what `data` holds, or all. Raises Malformed."""
    if codec == "none" or most <= 0:  # to zlib 0 is no limit
        return data[: max(most, 0)]
    decoder = _DECODERS.get(codec)
    if decoder is None:
        raise Malformed(f"codec {codec}")
    return decoder(data, most)


def _gzip(data: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, most)
    except zlib.error as error:
        raise Malformed(f"gzip: {error}") from error


def _snappy(data: bytes, most: int) -> bytes:
    if not data.startswith(_XERIAL):
        return bytes(_snappy_block(data, most))
    out = bytearray()
    reader = Reader(data, 16)
    while reader.at < len(data) and len(out) < most:
        out += _snappy_block(reader.take(reader.int32()), most - len(out))
    return bytes(out)


def _snappy_block(data: bytes, most: int) -> bytearray:
    """Snappy's raw format: the length as a varint, then literals and copies."""
    reader = Reader(data)
    size = min(reader.uvarint(), most)
    out = bytearray()
    while len(out) < size:
        tag = reader.take(1)[0]
        kind, upper = tag & 3, tag >> 2
        if kind == 0:
            length = upper + 1 if upper < 60 else _little(reader, upper - 59) + 1
            out += reader.take(length)
        elif kind == 1:
            _copy(out, ((tag >> 5) << 8) | reader.take(1)[0], ((tag >> 2) & 7) + 4)
        else:
            _copy(out, _little(reader, 2 if kind == 2 else 4), upper + 1)
    del out[size:]
    return out


def _lz4(data: bytes, most: int) -> bytes:
    """The LZ4 frame format; blocks may refer to what earlier blocks held. Checksums are left to
    the broker, which refuses what does not fit."""
    reader = Reader(data)
    if reader.take(4) != _LZ4_MAGIC:
        raise Malformed("no LZ4 frame")
    flags = reader.take(2)[0]
    reader.skip((8 if flags & 8 else 0) + (4 if flags & 1 else 0) + 1)
    out = bytearray()
    while len(out) < most:
        size = _little(reader, 4)
        if not size:
            break
        block = reader.take(size & 0x7FFFFFFF)
        if size >> 31:
            out += block
        else:
            _lz4_block(block, out, most)
        reader.skip(4 if flags & 16 else 0)
    return bytes(out[:most])


def _lz4_block(block: bytes, out: bytearray, most: int) -> None:
    """Appends what the block holds to `out`: sequences of literals and a copy."""
    reader = Reader(block)
    while len(out) < most:
        token = reader.take(1)[0]
        out += reader.take(_lz4_length(reader, token >> 4))
        if reader.at == len(block):
            return
        offset = _little(reader, 2)
        _copy(out, offset, min(_lz4_length(reader, token & 15) + 4, most))


def _lz4_length(reader: Reader, length: int) -> int:
    """A length of 15 goes on in the bytes that follow, until one is not 255."""
    if length == 15:
        while True:
            more = reader.take(1)[0]
            length += more
            if more != 255:
                break
    return length


def _copy(out: bytearray, offset: int, length: int) -> None:
    """Appends `length` bytes from `offset` bytes back; they may overlap what is being written."""
    start = len(out) - offset
    if offset == 0 or start < 0:
        raise Malformed("a copy from before the beginning")
    if offset >= length:
        out += out[start : start + length]
    else:
        pattern = bytes(out[start:])
        out += (pattern * (length // offset + 1))[:length]


def _little(reader: Reader, count: int) -> int:
    return int.from_bytes(reader.take(count), "little")


def _zstd(data: bytes, most: int) -> bytes:
    decoder = _python_zstd if _PYTHON_ZSTD else _package_zstd if _PACKAGE_ZSTD else None
    if decoder is None:
        raise Unavailable("zstd needs Python 3.14 or the package zstandard")
    try:
        return decoder(data, most)
    except Exception as error:  # each of the two has its own class
        raise Malformed(f"zstd: {error}") from error


def _python_zstd(data: bytes, most: int) -> bytes:
    zstd: Any = _PYTHON_ZSTD
    window = zstd.DecompressionParameter.window_log_max
    made = zstd.ZstdDecompressor(options={window: _ZSTD_WINDOW_LOG})
    return bytes(made.decompress(data, most))


def _package_zstd(data: bytes, most: int) -> bytes:
    zstd: Any = _PACKAGE_ZSTD
    made = zstd.ZstdDecompressor(max_window_size=1 << _ZSTD_WINDOW_LOG)
    return bytes(made.stream_reader(data).read(most))


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


_PYTHON_ZSTD = _module("compression.zstd")
_PACKAGE_ZSTD = None if _PYTHON_ZSTD else _module("zstandard")

_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "snappy": _snappy,
    "lz4": _lz4,
    "zstd": _zstd,
}
