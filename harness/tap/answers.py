"""Errors as a server would send them, to be sent in its stead."""

import struct

from harness.errors import DeclarationError
from harness.wire.kafka_answers import error_response

_HTTP_LOWEST, _HTTP_HIGHEST = 400, 599
_KAFKA_HIGHEST = 133
"""Of Kafka 4.3's own table of errors (org.apache.kafka.common.protocol.Errors)."""


def error_answer(protocol: str, code: str, request: bytes, *, ends_connection: bool) -> bytes:
    """The bytes of an error that answers `request`. `ends_connection`: it is the last thing that
    is sent. Raises DeclarationError where the protocol has no such error."""
    if protocol == "postgres":
        return _postgres(code, fatal=ends_connection)
    if protocol == "http":
        return _http(code)
    if protocol == "kafka":
        return _kafka(code, request)
    raise DeclarationError(f"error={code}: what is spoken on this link has no errors of its own")


def _kafka(code: str, request: bytes) -> bytes:
    if not code.lstrip("-").isdigit() or not -1 <= int(code) <= _KAFKA_HIGHEST or code == "0":
        raise DeclarationError(
            f"error={code}: a Kafka error is a number from 1 to {_KAFKA_HIGHEST}, or -1"
        )
    told = error_response(request, int(code))
    if told is None:
        raise DeclarationError(f"error={code}: this request cannot be answered with an error")
    return told


def _postgres(code: str, *, fatal: bool) -> bytes:
    """ErrorResponse, and ReadyForQuery where the connection goes on (protocol-message-formats)."""
    if len(code) != 5 or not code.isalnum() or not code.isascii() or code.upper() != code:
        raise DeclarationError(f"error={code}: an SQLSTATE has five digits and capital letters")
    severity = b"FATAL" if fatal else b"ERROR"
    fields = b"".join(
        name + value + b"\0"
        for name, value in (
            (b"S", severity), (b"V", severity), (b"C", code.encode()),
            (b"M", b"injected by aftershock"),
        )
    )  # fmt: skip
    message = b"E" + struct.pack("!I", 4 + len(fields) + 1) + fields + b"\0"
    return message if fatal else message + b"Z" + struct.pack("!I", 5) + b"I"


def _http(code: str) -> bytes:
    if not code.isdigit() or not _HTTP_LOWEST <= int(code) <= _HTTP_HIGHEST:
        raise DeclarationError(f"error={code}: an HTTP error is a status from 400 to 599")
    return (f"HTTP/1.1 {code} Injected\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").encode()
