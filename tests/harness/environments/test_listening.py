"""The kernel of this machine, asked about sockets of this test."""

import socket

from harness.environments.listening import is_listened, question_socket


def test_a_listener_is_found_and_gone_when_it_is() -> None:
    with question_socket() as asking:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            assert is_listened(asking, "127.0.0.1", port)
            assert not is_listened(asking, "127.0.0.2", port)
        assert not is_listened(asking, "127.0.0.1", port)


def test_one_that_listens_everywhere_is_found_at_any_address() -> None:
    with question_socket() as asking, socket.create_server(("0.0.0.0", 0)) as server:
        assert is_listened(asking, "127.0.0.3", server.getsockname()[1])


def test_one_that_listens_for_ipv6_takes_ipv4_too() -> None:
    """As the JVM's do."""
    everywhere = ("::", 0)
    with (
        question_socket() as asking,
        socket.create_server(everywhere, family=socket.AF_INET6, dualstack_ipv6=True) as server,
    ):
        assert is_listened(asking, "127.0.0.1", server.getsockname()[1])


def test_a_connection_is_no_listener() -> None:
    with (
        question_socket() as asking,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert not is_listened(asking, "127.0.0.1", client.getsockname()[1])
