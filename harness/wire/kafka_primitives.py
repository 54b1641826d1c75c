"""Kafka's wire primitives, read one after the other from a message's bytes.

Promises: every read either returns a value that lies within the message or raises `Malformed`; no
read allocates more than the bytes that it reads. Knows nothing of messages: who reads says
whether the message is of a flexible version (compact lengths, tagged fields).
"""

import base64
import struct

_I16 = struct.Struct(">h")
_I32 = struct.Struct(">i")
_I64 = struct.Struct(">q")


class Malformed(Exception):
    """The bytes are not what the protocol says should stand here; the text says what."""


class Truncated(Malformed):
    """The bytes end before the value does: they are cut short, or lie about a length."""


class Reader:
    """A position in `data`, of which only what stands before `end` is the message. `flexible`
    picks compact strings, arrays and tagged fields.

    Several methods do themselves what another one does: they are called for each message.
    """

    __slots__ = ("at", "data", "end", "flexible")

    def __init__(
        self, data: bytes, at: int = 0, end: int | None = None, *, flexible: bool = False
    ) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end
        self.flexible = flexible

    def int8(self) -> int:
        value = self.take(1)[0]
        return value - 256 if value > 127 else value

    def int16(self) -> int:
        at = self.at
        self.at = self.after(2)
        value: int = _I16.unpack_from(self.data, at)[0]
        return value

    def int32(self) -> int:
        at = self.at
        self.at = self.after(4)
        value: int = _I32.unpack_from(self.data, at)[0]
        return value

    def int64(self) -> int:
        at = self.at
        self.at = self.after(8)
        value: int = _I64.unpack_from(self.data, at)[0]
        return value

    def boolean(self) -> bool:
        return self.take(1) != b"\0"

    def uvarint(self, most_bytes: int = 5) -> int:
        """An unsigned varint of at most `most_bytes` (5: 32 bits, 10: 64 bits)."""
        data, at, end = self.data, self.at, self.end
        if at < end and (value := data[at]) < 0x80:
            self.at = at + 1
            return value
        value = shift = 0
        for _ in range(most_bytes):
            if at >= end:
                raise Truncated("a varint that goes on past the end")
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self.at = at
                return value
            shift += 7
        raise Malformed(f"a varint longer than {most_bytes} bytes")

    def varint(self, most_bytes: int = 5) -> int:
        """A zigzag varint."""
        value = self.uvarint(most_bytes)
        return (value >> 1) ^ -(value & 1)

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        at = self.at
        self.at = end = self.after(count)
        return self.data[at:end]

    def skip(self, count: int) -> None:
        """Passes over `count` bytes."""
        self.at = self.after(count)

    def after(self, count: int) -> int:
        """Where the next `count` bytes end."""
        end = self.at + count
        if count < 0:
            raise Malformed(f"a length of {count}")
        if end > self.end:
            raise Truncated(f"{end - self.end} bytes are missing")
        return end

    def length(self, *, wide: bool) -> int:
        """The length of a string (int16), or of bytes or an array (`wide`: int32); -1 is null."""
        if self.flexible:
            return self.uvarint() - 1
        length = self.int32() if wide else self.int16()
        if length < -1:
            raise Malformed(f"a length of {length}")
        return length

    def count(self) -> int:
        """The number of an array's elements; null counts as none."""
        return max(self.length(wide=True), 0)

    def nullable_string(self) -> str | None:
        length = self.length(wide=False)
        return None if length < 0 else self.take(length).decode("utf-8", "backslashreplace")

    def string(self) -> str:
        value = self.nullable_string()
        if value is None:
            raise Malformed("null where a string has to be")
        return value

    def uuid(self) -> str:
        """A topic's id in Kafka's own text form: 22 characters of URL-safe base64."""
        return base64.urlsafe_b64encode(self.take(16)).decode("ascii").rstrip("=")

    def skip_string(self) -> None:
        self.skip(max(self.length(wide=False), 0))

    def skip_int32s(self) -> None:
        """Passes over an array of int32."""
        self.skip(4 * self.count())

    def tags(self) -> None:
        """Passes over the tagged fields at the end of a structure, where the version has them."""
        if not self.flexible:
            return
        for _ in range(self.uvarint()):
            self.uvarint()
            self.skip(self.uvarint())
