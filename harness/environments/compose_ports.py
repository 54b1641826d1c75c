"""`ports` of a compose service, in short and long form, and `expose`: with ranges, TCP only."""

import re
from collections.abc import Iterator, Mapping

from harness.environments import compose_values as values
from harness.environments.compose_attributes import only
from harness.environments.compose_yaml import Item
from harness.model.system import Port

_HOST_ADDRESSES = ("", "0.0.0.0", "127.0.0.1")  # noqa: S104  (names to accept, nothing is bound)


def ports(item: Item) -> tuple[Port, ...]:
    """Every published port, ranges spelt out."""
    found: list[Port] = []
    for child in values.sequence(item):
        for port in _long_port(child) if isinstance(child.value, Mapping) else _short_port(child):
            if port in found:
                raise child.problem("publishes the same port twice", "keep one")
            found.append(port)
    return tuple(found)


def exposed(item: Item) -> tuple[int, ...]:
    """Every port for peers, ranges spelt out, in the order given; twice is once."""
    found: dict[int, None] = {}
    for child in values.sequence(item):
        spelt = _port_range(child, _tcp(child), advice='write "PORT" or "FIRST-LAST"')
        found.update(dict.fromkeys(spelt))
    return tuple(found)


def _tcp(item: Item) -> str:
    """The text without its protocol, which must be TCP."""
    whole = values.loose_text(item)
    spec, slash, protocol = whole.partition("/")
    if slash and protocol != "tcp":
        raise item.problem(f"is {whole[:60]!r}", "only tcp is supported")
    return spec


def _short_port(item: Item) -> Iterator[Port]:
    spec = _tcp(item)
    parts = spec.rsplit(":", 2)
    containers = _port_range(item, parts[-1])
    if len(parts) == 1:
        yield from (Port(container=container) for container in containers)
        return
    if len(parts) == 3:
        _check_host_address(item, parts[0])
    if not parts[-2]:
        yield from (Port(container=container) for container in containers)
        return
    hosts = _port_range(item, parts[-2])
    if len(hosts) != len(containers):
        raise item.problem(f"is {spec[:60]!r}", "make both ranges equally long")
    for host, container in zip(hosts, containers, strict=True):
        yield Port(container=container, host=host)


def _port_range(item: Item, said: str, *, advice: str = 'write "HOST:NODE"') -> range:
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", said, re.ASCII)
    if match:
        first = int(match.group(1))
        last = int(match.group(2) or first)
        if 1 <= first <= last <= 65535:
            return range(first, last + 1)
    raise item.problem(f"has {said[:60]!r} for a port", f"{advice}, each from 1 to 65535")


def _check_host_address(item: Item, address: str) -> None:
    if address not in _HOST_ADDRESSES:
        raise item.problem(
            f"publishes on the address {address[:60]!r}", "remove it or write 127.0.0.1"
        )


def _long_port(item: Item) -> Iterator[Port]:
    known = {"app_protocol", "host_ip", "mode", "name", "protocol", "published", "target"}
    fields = only(item, frozenset(known))
    if "target" not in fields:
        raise item.problem("has no target", "add target: PORT")
    if "protocol" in fields and values.text(fields["protocol"]) != "tcp":
        raise fields["protocol"].problem("is not tcp", "only tcp is supported")
    if "host_ip" in fields:
        _check_host_address(fields["host_ip"], values.any_text(fields["host_ip"]))
    if "mode" in fields and values.text(fields["mode"]) not in ("host", "ingress"):
        raise fields["mode"].problem("is neither host nor ingress", "remove it")
    host = None
    if "published" in fields and fields["published"].value is not None:
        host = values.integer(fields["published"], least=1, most=65535)
    yield Port(container=values.integer(fields["target"], least=1, most=65535), host=host)
