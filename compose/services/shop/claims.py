"""How a relay claims rows of the outbox before it publishes them: CLAIM of its environment.

A claim is row locks: it lives as long as the transaction that publishes and marks, and a session
that is silent in it for LEASE_MS is ended by the database. So a relay that was paused for longer
has no transaction left to mark in: that is its fence.

- `all`: the oldest unsent rows. A second relay waits for the first.
- `heads`: of each order only the oldest unsent row, and those that another relay has are passed
  over. What is unsent is asked of the snapshot, which sees locked rows too: while an order's event
  is claimed and not marked, its next one is nobody's to claim.
- `rows`: unsent rows that nobody has. It looks like the one above, and is **wrong**: with an
  order's event claimed here, its next one is free to be claimed and published over there.
"""

from collections.abc import Mapping

ALL, HEADS, ROWS = "all", "heads", "rows"

LEASE_MS = 1_500

_UNSENT = "SELECT id, aggregateid, payload::text FROM outbox WHERE sent_at IS NULL"

CLAIMS: Mapping[str, str] = {
    ALL: f"{_UNSENT} ORDER BY seq LIMIT %s FOR UPDATE",
    HEADS: (
        f"{_UNSENT} AND NOT EXISTS (SELECT FROM outbox AS earlier WHERE earlier.sent_at IS NULL"
        " AND earlier.aggregateid = outbox.aggregateid AND earlier.version < outbox.version)"
        " ORDER BY seq LIMIT %s FOR UPDATE OF outbox SKIP LOCKED"
    ),
    ROWS: f"{_UNSENT} ORDER BY seq LIMIT %s FOR UPDATE SKIP LOCKED",
}
"""Name → SELECT of id, order and payload, with the number of rows as its parameter."""
