"""Values as people write them: of SQL parameters in text or binary, of arrays, of record keys.

Binary values come without their type, so it is guessed by length: what is printable is text.
"""

import json
import struct
from collections.abc import Iterator
from typing import Any
from uuid import UUID

LONGEST = 200
"""Characters of a value; the rest is cut off."""

_INTEGERS = {2: struct.Struct(">h"), 4: struct.Struct(">i"), 8: struct.Struct(">q")}
_UUID_BYTES = 16
_ARRAY = struct.Struct(">iiIii")
"""Dimensions, whether there are nulls, type, length and lower bound of the only dimension."""
_MOST_ELEMENTS = 4096


def of_binary(data: bytes) -> str:
    """16 bytes are a UUID; 2, 4 and 8 an integer; others UTF-8, or hexadecimal if they are not."""
    if data.isascii() and (text := data.decode()).isprintable():
        return text[:LONGEST]
    if len(data) in _INTEGERS:
        return str(_INTEGERS[len(data)].unpack(data)[0])
    if len(data) == _UUID_BYTES:
        return str(UUID(bytes=data))
    return _of_text(data)


def _of_text(data: bytes) -> str:
    try:
        return data.decode()[:LONGEST]
    except UnicodeDecodeError:
        return data[: LONGEST // 2].hex()


def of_param(param: str | bytes | None) -> str | None:
    """One SQL parameter; None is NULL."""
    if param is None:
        return None
    return of_binary(param) if isinstance(param, bytes) else param[:LONGEST]


def of_array(param: str | bytes | None) -> list[str | None]:
    """The elements of an array of one dimension, NULLs too; of one that was cut, those there."""
    if param is None:
        return []
    return list(_binary_elements(param)) if isinstance(param, bytes) else _text_elements(param)


def _binary_elements(data: bytes) -> Iterator[str | None]:
    if len(data) < _ARRAY.size or _ARRAY.unpack_from(data)[0] != 1:
        return
    count, at = _ARRAY.unpack_from(data)[3], _ARRAY.size
    for _ in range(min(count, _MOST_ELEMENTS)):
        if at + 4 > len(data):
            return
        size = int.from_bytes(data[at : at + 4], "big", signed=True)
        at += 4
        if size < 0:
            yield None
            continue
        if at + size > len(data):
            return
        yield of_binary(data[at : at + size])
        at += size


def _text_elements(text: str) -> list[str | None]:
    """As array_out writes it: elements with a comma, a quote or a space in them are quoted."""
    if not text.startswith("{"):
        return []
    whole = text.endswith("}")
    inner = text[1:-1] if whole else text[1:]
    if '"' not in inner and "\\" not in inner:
        parts = inner.split(",") if inner else []
        found = [None if part.upper() == "NULL" else part[:LONGEST] for part in parts]
        return found if whole else found[:-1]
    return list(_quoted_elements(inner))


def _quoted_elements(inner: str) -> Iterator[str | None]:
    kept: list[str] = []
    quoted = was_quoted = False
    characters = iter(inner)
    for character in characters:
        if character == "\\":
            kept.append(next(characters, ""))
        elif character == '"':
            quoted, was_quoted = not quoted, True
        elif character == "," and not quoted:
            yield _element(kept, was_quoted=was_quoted)
            kept, was_quoted = [], False
        else:
            kept.append(character)
    if not quoted:
        yield _element(kept, was_quoted=was_quoted)


def _element(kept: list[str], *, was_quoted: bool) -> str | None:
    text = "".join(kept)
    return None if text.upper() == "NULL" and not was_quoted else text[:LONGEST]


def of_record_key(data: bytes, key_columns: frozenset[str]) -> str:
    """A record's key: text; of JSON the string, or the key column of the struct.

    Kafka Connect's converter wraps a key into `{"schema": …, "payload": …}` if it is told to.
    """
    if data[:1] in {b'"', b"{"}:
        try:
            read = _of_json(json.loads(data), key_columns)
        except (ValueError, RecursionError):
            read = None
        if read is not None:
            return read[:LONGEST]
    return of_binary(data)


def _of_json(read: Any, key_columns: frozenset[str]) -> str | None:
    """None where the struct does not say which of its fields is the key."""
    if isinstance(read, dict):
        if read.keys() == {"schema", "payload"}:
            return _of_json(read["payload"], key_columns)
        named = [read[name] for name in sorted(key_columns & read.keys())]
        fields = named or list(read.values())
        return _of_json(fields[0], frozenset()) if len(fields) == 1 or named else None
    if isinstance(read, str | int) and not isinstance(read, bool):
        return str(read)
    return None
