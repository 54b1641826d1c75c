"""What a service is told by its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from .claims import ALL, CLAIMS

REST_SYNC = "rest-sync"
DUAL_WRITE, EVENT_DRIVEN = "dual-write", "event-driven"
OUTBOX_PATTERNS = frozenset(
    {"outbox-polling", "outbox-polling-two-relays", "outbox-cdc", "kafka-transactions", "polyglot"}
)
"""Those in which *order* writes its events into the outbox."""
CHOREOGRAPHY, ORCHESTRATION = "saga-choreography", "saga-orchestration"
SAGAS = frozenset({CHOREOGRAPHY, ORCHESTRATION})
TABLE_PATTERNS = frozenset({"table-cdc", "table-polling"})
"""Those in which *order* tells nobody: its table is read, by Debezium or by the poller."""
PATTERNS = OUTBOX_PATTERNS | TABLE_PATTERNS | SAGAS | {REST_SYNC, DUAL_WRITE, EVENT_DRIVEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Read once at start. Raises KeyError or ValueError where the environment is wrong."""

    database_url: str
    kafka_bootstrap: str
    topic: str = "order.events"
    http_port: int = 8080
    pattern: str = DUAL_WRITE
    retention_s: float = 60.0
    """How long the relay keeps sent outbox rows."""
    saga_timeout_s: float = 8.0
    """How long a saga may take until it is given up and undone."""
    claim: str = ALL
    """How the relay claims outbox rows: a name of `claims`."""
    isolation: str = "read_committed"
    """Which records a consumer reads: with `read_uncommitted` those of aborted transactions, too."""
    routed_topic: str = "order.routed"
    """Where the router writes to."""
    offsets_in_transaction: bool = True
    """Whether the router commits what it has read together with what it has written."""
    poll_s: float = 1.0
    """The poller looks into the table at each multiple of this on the wall clock."""
    connector: str | None = None
    """The connector that *order* looks after, where its events go by one."""

    def __post_init__(self) -> None:
        if self.pattern not in PATTERNS:
            raise ValueError(f"PATTERN={self.pattern}: none of the patterns of this shop")
        if self.claim not in CLAIMS:
            raise ValueError(f"CLAIM={self.claim}: there are {', '.join(CLAIMS)}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        return cls(
            database_url=environment["DATABASE_URL"],
            kafka_bootstrap=environment["KAFKA_BOOTSTRAP"],
            topic=environment.get("TOPIC", "order.events"),
            http_port=int(environment.get("HTTP_PORT", "8080")),
            pattern=environment.get("PATTERN", DUAL_WRITE),
            retention_s=float(environment.get("RETENTION_S", "60")),
            claim=environment.get("CLAIM", ALL),
            isolation=environment.get("ISOLATION", "read_committed"),
            routed_topic=environment.get("ROUTED_TOPIC", "order.routed"),
            offsets_in_transaction=environment.get("OFFSETS_IN_TRANSACTION", "yes") == "yes",
            poll_s=float(environment.get("POLL_S", "1")),
            saga_timeout_s=float(environment.get("SAGA_TIMEOUT_S", "8")),
            connector=environment.get("CONNECTOR") or None,
        )
