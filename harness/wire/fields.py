"""Fields of a message's body, read one after another."""

from struct import Struct

_INT16, _INT32, _UINT32, _INT64 = Struct(">h"), Struct(">i"), Struct(">I"), Struct(">q")


class EndOfFields(Exception):
    """The body ends before the field does; caught by whoever made the reader."""


class Fields:
    """A reader over bytes; every field raises `EndOfFields` if it is not all there."""

    __slots__ = ("_at", "_body")

    def __init__(self, body: bytes, at: int = 0) -> None:
        self._body = body
        self._at = at

    @property
    def left(self) -> int:
        return len(self._body) - self._at

    def byte(self) -> int:
        at = self._at
        if at >= len(self._body):
            raise EndOfFields
        self._at = at + 1
        return self._body[at]

    def int16(self) -> int:
        return self._number(_INT16)

    def int32(self) -> int:
        return self._number(_INT32)

    def uint32(self) -> int:
        return self._number(_UINT32)

    def int64(self) -> int:
        return self._number(_INT64)

    def _number(self, form: Struct) -> int:
        at = self._at
        after = at + form.size
        if after > len(self._body):
            raise EndOfFields
        self._at = after
        value: int = form.unpack_from(self._body, at)[0]
        return value

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        at = self._at
        after = at + size
        if size < 0 or after > len(self._body):
            raise EndOfFields
        self._at = after
        return self._body[at:after]

    def zero_ended(self) -> bytes:
        """What stands before the next zero byte."""
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise EndOfFields
        found = self._body[self._at : end]
        self._at = end + 1
        return found

    def text(self) -> str:
        """A string that ends with a zero byte; what is no UTF-8 is kept, escaped."""
        return decoded(self.zero_ended())

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left)


def decoded(value: bytes) -> str:
    """Bytes as text; what is no UTF-8 is kept, escaped."""
    return value.decode("utf-8", "backslashreplace")
