"""Published ports."""

import pytest

from harness.environments.compose_ports import exposed, ports
from harness.environments.compose_yaml import Problem, parse
from harness.model.system import Port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- 80", [(80, None)]),
        ('- "8080:80"', [(80, 8080)]),
        ('- "127.0.0.1:8080:80"', [(80, 8080)]),
        ('- "0.0.0.0::80"', [(80, None)]),
        ('- "8080:80/tcp"', [(80, 8080)]),
        ('- "9000-9001:80-81"', [(80, 9000), (81, 9001)]),
        ("- 22:22", [(22, 22)]),  # no base-60 number, as YAML 1.1 would have it
        ("- {target: 80}", [(80, None)]),
        ('- {target: 80, published: "8080", protocol: tcp, mode: host}', [(80, 8080)]),
        ("- {target: 80, published: 8080, host_ip: 127.0.0.1}", [(80, 8080)]),
    ],
)
def test_a_port_is_read(text: str, expected: list[tuple[int, int | None]]) -> None:
    """Short and long form."""
    assert tuple(Port(container=c, host=h) for c, h in expected) == ports(parse(text))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("80", "is the number 80, not a list"),
        ("- 0", "has '0' for a port"),
        ('- "70000:80"', "has '70000' for a port"),
        ('- "a:80"', "has 'a' for a port"),
        ('- "81-80"', "has '81-80' for a port"),
        ('- "9000-9002:80-81"', "make both ranges equally long"),
        ('- "53:53/udp"', "only tcp is supported"),
        ('- "192.168.1.1:80:80"', "publishes on the address '192.168.1.1'"),
        ('- "[::1]:80:80"', "publishes on the address '[::1]'"),
        ('- "80:80"\n- "80:80"', "[1] publishes the same port twice"),
        ("- {published: 80}", "has no target"),
        ("- {target: 80, protocol: udp}", "only tcp is supported"),
        ("- {target: 80, host_ip: '::1'}", "publishes on the address"),
        ("- {target: 80, mode: x}", "is neither host nor ingress"),
        ('- {target: 80, published: "1-2"}', "not a whole number"),
        ("- {target: 80, publish: 80}", "did you mean published?"),
    ],
)
def test_what_is_no_port_is_refused(text: str, says: str) -> None:
    """Other protocols and addresses too."""
    with pytest.raises(Problem) as caught:
        ports(parse(text))

    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[8080]", (8080,)),
        ('["8080"]', (8080,)),
        ('["8080/tcp", 8080]', (8080,)),
        ('["9000-9002", "80"]', (9000, 9001, 9002, 80)),
    ],
)
def test_ports_for_peers_are_read(text: str, expected: tuple[int, ...]) -> None:
    """Each once, in the order given."""
    assert exposed(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("8080", "is the number 8080, not a list"),
        (
            '["80:80"]',
            'has \'80:80\' for a port (write "PORT" or "FIRST-LAST", each from 1 to 65535)',
        ),
        ("[0]", "has '0' for a port"),
        ('["53/udp"]', "only tcp is supported"),
    ],
)
def test_what_is_no_port_for_peers_is_refused(text: str, says: str) -> None:
    """Other protocols, and a port of this machine, which `ports` is for."""
    with pytest.raises(Problem) as caught:
        exposed(parse(text))

    assert says in str(caught.value)
