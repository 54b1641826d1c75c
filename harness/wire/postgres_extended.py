"""What Parse and Bind messages of the extended protocol hold: statements, names, parameters."""

from functools import lru_cache
from struct import Struct, unpack_from
from struct import error as StructError  # noqa: N812 - a class
from uuid import UUID

from harness.wire.fields import EndOfFields
from harness.wire.sql import Recognised
from harness.wire.sql_seen import only_statement

LONGEST_PARAM = 16 * 1024
"""Bytes that are told of a parameter: some 400 UUIDs as an array in text."""
_MOST_TYPES = 256

_COUNT = Struct(">h")
_SIZE = Struct(">i")
_TEXT = (0,)
_NUL = b"\0"
_LONGEST_REMEMBERED = 2048


def parse(body: bytes, *, whole: bool) -> tuple[bytes, Recognised]:
    """The name of a Parse message, and what it prepares under that name; of a body that is not
    whole, as much of the text as is here. Raises EndOfFields.

    The same body gives the same values, as long as it is remembered.
    """
    if whole and len(body) <= _LONGEST_REMEMBERED:
        return _remembered(body)
    return _parse(body, whole=whole)


def _parse(body: bytes, *, whole: bool = True) -> tuple[bytes, Recognised]:
    middle = body.find(_NUL)
    stop = body.find(_NUL, middle + 1)
    if middle < 0 or (whole and stop < 0):
        raise EndOfFields
    text = body[middle + 1 : stop] if stop >= 0 else body[middle + 1 :]
    statement = only_statement(text)
    types = _types(body, stop + 1) if stop >= 0 else ()
    if types:
        statement = statement._replace(types=types)
    return body[:middle], statement


def _types(body: bytes, at: int) -> tuple[int, ...]:
    """Those of the parameters, where they are all here and some are said."""
    try:
        (count,) = _COUNT.unpack_from(body, at)
        found = unpack_from(f">{min(max(count, 0), _MOST_TYPES)}I", body, at + 2)
    except StructError:
        return ()
    return found if any(found) else ()


_remembered = lru_cache(maxsize=1024)(_parse)


def params(
    body: bytes, at: int, *, whole: bool, types: tuple[int, ...] = ()
) -> tuple[str | bytes | None, ...]:
    """What stands from `at` on, behind the names: text-format values as text, others as bytes,
    or, where their type was said and is one that a key may have, as text too.

    Those that are not here are left out if the body is not whole, else EndOfFields is raised.
    """
    found: list[str | bytes | None] = []
    longest = len(body)
    try:
        (count,) = _COUNT.unpack_from(body, at)
        at += 2
        formats: tuple[int, ...] = _TEXT
        if count > 0:
            formats = unpack_from(f">{count}h", body, at)
            at += 2 * count
        (count,) = _COUNT.unpack_from(body, at)
        at += 2
        for i in range(count):
            (size,) = _SIZE.unpack_from(body, at)
            at += 4
            if size < 0:
                found.append(None)
                continue
            value = body[at : at + size if size < LONGEST_PARAM else at + LONGEST_PARAM]
            at += size
            if at > longest:
                raise EndOfFields
            is_text = formats[i if i < len(formats) else 0] == 0
            if is_text:
                found.append(value.decode("utf-8", "backslashreplace"))
            else:
                found.append(_typed(value, types[i]) if i < len(types) else value)
    except (StructError, EndOfFields):
        if whole:
            raise EndOfFields from None
    return tuple(found)


def _typed(value: bytes, oid: int) -> str | bytes:
    """As the server would write it; as it is where its type is none of these."""
    if oid in _INTEGERS and len(value) in {2, 4, 8}:
        return str(int.from_bytes(value, "big", signed=True))
    if oid == _UUID and len(value) == _UUID_BYTES:
        return str(UUID(bytes=value))
    return value.decode("utf-8", "backslashreplace") if oid in _STRINGS else value


# pg_type.dat
_INTEGERS = frozenset({20, 21, 23})
_STRINGS = frozenset({25, 1042, 1043})
_UUID = 2950
_UUID_BYTES = 16


def check(body: bytes, at: int) -> None:
    """Raises EndOfFields where `params` of a whole body does: without making values, as nobody
    asks for those of a statement that changes nothing."""
    try:
        (count,) = _COUNT.unpack_from(body, at)
        at += 2 if count <= 0 else 2 + 2 * count
        (count,) = _COUNT.unpack_from(body, at)
        at += 2
        while count > 0:
            (size,) = _SIZE.unpack_from(body, at)
            at += 4 if size < 0 else 4 + size
            count -= 1
    except StructError:
        raise EndOfFields from None
    if at > len(body):
        raise EndOfFields
