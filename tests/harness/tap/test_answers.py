import pytest

from harness.errors import DeclarationError
from harness.tap.answers import error_answer


def test_an_error_of_postgresql_goes_on_with_ready() -> None:
    assert error_answer("postgres", "40001", b"", ends_connection=False) == (
        b"E\0\0\0\x32SERROR\0VERROR\0C40001\0Minjected by aftershock\0\0Z\0\0\0\x05I"
    )


def test_one_that_ends_the_connection_is_fatal_and_the_last() -> None:
    told = error_answer("postgres", "57P01", b"", ends_connection=True)
    assert told.startswith(b"E\0\0\0")
    assert b"SFATAL\0VFATAL\0C57P01\0" in told
    assert int.from_bytes(told[1:5]) == len(told) - 1


def test_an_http_error_is_a_whole_response() -> None:
    assert error_answer("http", "503", b"", ends_connection=False) == (
        b"HTTP/1.1 503 Injected\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("protocol", "code", "says"),
    [
        ("postgres", "4000", "SQLSTATE"),
        ("postgres", "4000a", "SQLSTATE"),
        ("http", "200", "400 to 599"),
        ("http", "no", "400 to 599"),
        ("opaque", "1", "no errors of its own"),
        ("kafka", "no", "number from 1"),
        ("kafka", "0", "number from 1"),
        ("kafka", "6", "this request"),
    ],
)
def test_what_no_server_would_answer_is_refused(protocol: str, code: str, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        error_answer(protocol, code, b"", ends_connection=False)
