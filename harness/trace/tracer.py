"""A scenario's tracer: opens a reader for each connection, and knows the effects of all of them."""

from weakref import WeakValueDictionary

from harness.errors import HarnessBug
from harness.model.address import Address
from harness.model.effect import Effect
from harness.trace.http_link import HttpReader
from harness.trace.kafka_link import KafkaReader
from harness.trace.ledger import Link
from harness.trace.link import LinkReader, OpaqueReader
from harness.trace.postgres_link import PostgresReader
from harness.trace.state import State

PROTOCOLS = ("postgres", "kafka", "http", "opaque")


class Tracer:
    """All connections of a scenario. `key_columns` hold the business key wherever they appear.

    With `terse`, PostgreSQL's frames that neither change anything nor say what became of a change
    are left out, which makes reading several times cheaper; effects are the same.
    """

    def __init__(self, key_columns: frozenset[str], *, terse: bool = False) -> None:
        self._terse = terse
        self._state = State(key_columns)
        self._readers: WeakValueDictionary[int, LinkReader] = WeakValueDictionary()

    def begin(self, key_columns: frozenset[str]) -> None:
        """A new scenario: effects and occurrences are counted anew. Connections stay."""
        self._state.begin(key_columns)
        for reader in self._readers.values():
            reader.forget()

    def open(self, client: str, server: str, connection: int, protocol: str) -> LinkReader:
        """Read a connection from its first byte. Raises HarnessBug: an unknown protocol."""
        link = Link(client, server, connection)
        reader: LinkReader
        match protocol:
            case "postgres":
                reader = PostgresReader(link, self._state, terse=self._terse)
            case "kafka":
                reader = KafkaReader(link, self._state)
            case "http":
                reader = HttpReader(link, self._state)
            case "opaque":
                reader = OpaqueReader()
            case _:
                raise HarnessBug(f"{protocol!r}: a link's protocol is one of {PROTOCOLS}")
        self._readers[connection] = reader
        return reader

    def close(self, connection: int, delivered: int | None = None) -> None:
        """As the reader's own `close`. Idempotent."""
        reader = self._readers.pop(connection, None)
        if reader is not None:
            reader.close(delivered)

    def count(self, pattern: Address) -> int:
        """How many effects were asked for so far that the pattern covers, its occurrence apart.
        What says again what was said before (an idempotent producer's retry) does not count."""
        return self._state.ledger.count(pattern)

    def earlier(self, effect: Effect, address: Address) -> tuple[int, int]:
        """Done and doubtful, as `harness.model.cut.Reached` has them."""
        return self._state.ledger.earlier(effect, address)

    def is_done(self, effect: Effect) -> bool:
        """Whether all that it asks for was done by requests that it repeats."""
        return self._state.ledger.is_done(effect)

    def others(self, effect: Effect, address: Address) -> dict[tuple[str, ...], int]:
        """As `harness.model.cut.Reached` has them."""
        return self._state.ledger.others(effect, address)

    def unanswered(self, node: str) -> tuple[Effect, ...]:
        """Effects under way that the node asked for, or was asked for."""
        return self._state.ledger.unanswered(node)

    def withdraw(self, effect: Effect) -> None:
        """The request never reached its server: neither done nor doubtful."""
        self._state.ledger.withdraw(effect)
