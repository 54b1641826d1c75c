"""kafka-python's names, imported without its noise; import it from here only.

It reads its protocol schemas with `importlib.resources.open_text` while it is imported, which
Python 3.11 and 3.12 call deprecated: an error wherever warnings are errors. And it logs each
failed connection as an error, which to a harness that breaks connections is an answer.
"""

import logging
import socket
import warnings
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", r"(open|read)_text is deprecated", DeprecationWarning)
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.admin import OffsetSpec
    from kafka.errors import KafkaError, KafkaTimeoutError, TransactionalIdNotFoundError
    from kafka.net.compat import KafkaNetClient
    from kafka.net.inet import KafkaNetSocket
    from kafka.protocol.consumer import FetchRequest
    from kafka.record import MemoryRecords

logging.getLogger("kafka").setLevel(logging.CRITICAL)

_SCHEME = "aftershock-names"


class _NamedSocket(KafkaNetSocket):  # type: ignore[misc] # no types are published for it
    """Connects directly, and knows some hosts' addresses by itself: brokers advertise themselves
    by names which only their peers can look up. kafka-python takes it for a proxy's URL."""

    SCHEMES = (_SCHEME,)

    def __init__(self, proxy_url: str) -> None:
        super().__init__(proxy_url)
        self._names = dict(parse_qsl(urlsplit(proxy_url).query))

    def dns_lookup(self, host: str, port: int, raise_error: bool = False) -> Any:
        known = self._names.get(host)
        if known is None:
            return super().dns_lookup(host, port, raise_error)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (known, port))]


def knowing(names: Mapping[str, str]) -> dict[str, str]:
    """The settings of a client that knows these hosts' IPv4 addresses."""
    return {"proxy_url": f"{_SCHEME}://names?{urlencode(dict(names))}"} if names else {}


__all__ = [
    "FetchRequest",
    "KafkaAdminClient",
    "KafkaConsumer",
    "KafkaError",
    "KafkaNetClient",
    "KafkaNetSocket",
    "KafkaProducer",
    "KafkaTimeoutError",
    "MemoryRecords",
    "OffsetSpec",
    "TopicPartition",
    "TransactionalIdNotFoundError",
    "knowing",
]
