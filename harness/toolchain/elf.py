"""ELF programs without what only debuggers read.

A program is run by its segments; sections stand in the file for linkers and debuggers, those with
debug information behind everything else. So what reaches to the end of the last segment, with a
header that tells of no sections, is the same program (System V ABI, "Object Files").
"""

import struct
from typing import IO

_HEADER_BYTES = 64
_MAGIC = b"\x7fELF\x02\x01"
"""64 bits, little-endian."""


def segments_only(program: IO[bytes]) -> bytes:
    """Reads as much of a 64-bit little-endian ELF file as is needed to run it. ValueError where
    it is none."""
    header = program.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise ValueError("no ELF file of 64 bits, little-endian")
    (table,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    content = bytearray(header + program.read(table + size * count - _HEADER_BYTES))
    ends = [_end(content, table + size * at) for at in range(count)]
    content += program.read(max(ends) - len(content))
    if len(content) < max(ends):
        raise ValueError("an ELF file that ends before its segments do")
    struct.pack_into("<Q", content, 40, 0)
    struct.pack_into("<HHH", content, 58, 0, 0, 0)
    return bytes(content)


def _end(content: bytearray, entry: int) -> int:
    """Where in the file the segment ends that the program header at `entry` tells of."""
    (offset,) = struct.unpack_from("<Q", content, entry + 8)
    (length,) = struct.unpack_from("<Q", content, entry + 32)
    return int(offset + length)
