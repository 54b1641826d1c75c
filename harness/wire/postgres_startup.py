"""Messages before the first one with a type: start-up, requests for encryption, cancel requests."""

from harness.wire.fields import EndOfFields, Fields
from harness.wire.postgres_events import CancelRequested, EncryptionRequested, FromClient, Started
from harness.wire.postgres_framing import Frame, NotAMessage

# protocol.sgml, "Message Formats"
_CANCEL, _SSL, _GSS = 80877102, 80877103, 80877104
_MOST_PARAMETERS = 64


def first_message(frame: Frame) -> FromClient:
    """What a message without a type says. Raises NotAMessage."""
    try:
        return _read(frame, Fields(frame.body))
    except EndOfFields:
        raise NotAMessage(frame.first, "a malformed start-up message") from None


def _read(frame: Frame, fields: Fields) -> FromClient:
    code = fields.int32()
    if code in {_SSL, _GSS}:
        method = "ssl" if code == _SSL else "gss"
        return EncryptionRequested(first=frame.first, end=frame.end, method=method)
    if code == _CANCEL:
        return CancelRequested(first=frame.first, end=frame.end, backend=fields.uint32())
    if code >> 16 != 3:
        reason = f"no PostgreSQL protocol that is known: 0x{code & 0xFFFFFFFF:08x}"
        raise NotAMessage(frame.first, reason)
    parameters: list[tuple[str, str]] = []
    while fields.left > 1 and len(parameters) < _MOST_PARAMETERS:
        parameters.append((fields.text(), fields.text()))
    return Started(
        first=frame.first,
        end=frame.end,
        version=(code >> 16, code & 0xFFFF),
        parameters=tuple(parameters),
    )
