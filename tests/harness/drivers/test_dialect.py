"""Questions of a chosen size, and when they are answered."""

import struct

import pytest

from harness.drivers.dialect import Dialect, Http, Kafka, Postgres, PostgresGreeting
from harness.errors import EnvironmentFailed

KAFKA_ANSWER = struct.pack(">i", 20) + b"\0" * 20
HTTP_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n"
ROW = b"D" + struct.pack(">i", 10) + b"\0" * 6
READY = b"Z" + struct.pack(">i", 5) + b"I"


@pytest.mark.parametrize(
    "dialect, answer",
    [
        (Kafka(), KAFKA_ANSWER),
        (Http("/health"), HTTP_ANSWER),
        (Http("/"), CHUNKED),
        (Http("/"), EMPTY),
        (Postgres(), ROW + READY),
        (PostgresGreeting(), b"N"),
    ],
)
def test_an_answer_is_whole_with_its_last_byte(dialect: Dialect, answer: bytes) -> None:
    """However it is cut."""
    dialect.question(0, 0)
    assert [dialect.answered(answer[:n]) for n in range(len(answer) + 1)] == [
        *(False for _ in answer),
        True,
    ]


@pytest.mark.parametrize("dialect", [Kafka(), Http("/"), Postgres()])
def test_a_question_is_as_long_as_it_is_to_be(dialect: Dialect) -> None:
    """A server's limit notwithstanding."""
    for up in (0, 1, 1999, 45_000):
        assert up <= len(dialect.question(up, 0)) < 1.2 * up + 200


@pytest.mark.parametrize("dialect, answer", [(Kafka(), KAFKA_ANSWER), (Http("/x"), HTTP_ANSWER)])
def test_once_an_answers_size_is_known_it_is_asked_for_as_much(
    dialect: Dialect, answer: bytes
) -> None:
    """By so many questions, all of which have to be answered."""
    one = dialect.question(0, 10 * len(answer))
    assert dialect.answered(answer)
    assert dialect.question(0, 10 * len(answer)) == one * 10
    assert not dialect.answered(answer * 9)
    assert dialect.answered(answer * 10)


def test_a_broker_reads_who_asks_and_what() -> None:
    """ApiVersions, version 0, with a client's name."""
    question = Kafka().question(0, 0)
    length, api, version, _, name = struct.unpack(">ihhih", question[:14])
    assert (length, api, version) == (len(question) - 4, 18, 0)
    assert question[14:] == b"aftershock"
    assert name == len(b"aftershock")


def test_a_database_is_asked_for_a_text_of_that_length() -> None:
    """In one query."""
    assert b"SELECT repeat('.', 300) /* ... */\0" in Postgres().question(3, 300)
    assert PostgresGreeting().question(0, 0) == bytes.fromhex("0000000804d2162f")


@pytest.mark.parametrize(
    "dialect, nonsense, says",
    [
        (Kafka(), b"\0\0\0\1\0\0\0\0", "no Kafka broker"),
        (Http("/"), b"SSH-2.0\r\n\r\n", "does not speak HTTP/1.1"),
        (Http("/"), b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", "without its length"),
    ],
)
def test_what_makes_no_sense_is_said(dialect: Dialect, nonsense: bytes, says: str) -> None:
    """It is no answer that could be measured."""
    dialect.question(0, 0)
    with pytest.raises(EnvironmentFailed, match=says):
        dialect.answered(nonsense)
