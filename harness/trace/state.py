"""What all connections of a scenario know together."""

from harness.trace.aliases import Aliases
from harness.trace.ledger import Ledger
from harness.trace.records import Records
from harness.trace.repeats import Repeats
from harness.trace.slots import Slots
from harness.trace.statement_keys import StatementKeys
from harness.wire.kafka_topics import TopicNames


class State:
    """Begun anew for each scenario; what servers keep beyond one (topics' ids, slots' positions)
    stays."""

    __slots__ = (
        "aliases",
        "key_columns",
        "ledger",
        "records",
        "repeats",
        "slots",
        "statements",
        "topics",
    )

    def __init__(self, key_columns: frozenset[str]) -> None:
        self.topics = TopicNames()
        self.slots = Slots()
        self.begin(key_columns)

    def begin(self, key_columns: frozenset[str]) -> None:
        """A new scenario."""
        self.key_columns = key_columns
        self.ledger = Ledger()
        self.aliases = Aliases()
        self.statements = StatementKeys(key_columns, self.aliases)
        self.records = Records(key_columns, self.aliases)
        self.repeats = Repeats()
        self.slots.forget_keys()
