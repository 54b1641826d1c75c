"""The columns of a snapshot's and a history's Parquet files (the run directory's contract).

Database tables are not here: they have their own columns.
"""

import pyarrow as pa

_UTC_US = pa.timestamp("us", tz="UTC")

HISTORY_SCHEMA = pa.schema(
    [
        ("index", pa.int64()),
        ("type", pa.string()),
        ("process", pa.string()),
        ("f", pa.string()),
        ("key", pa.string()),
        ("time_s", pa.float64()),
        ("at", _UTC_US),
        ("value", pa.string()),
        ("error", pa.string()),
    ]
)
TOPIC_SCHEMA = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.timestamp("ms", tz="UTC")),
        ("key", pa.string()),
        ("value", pa.string()),
        ("headers", pa.string()),
        ("committed", pa.bool_()),
    ]
)
GROUPS_SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("committed", pa.int64()),
        ("log_end", pa.int64()),
        ("lag", pa.int64()),
    ]
)
SLOTS_SCHEMA = pa.schema(
    [
        ("node", pa.string()),
        ("slot", pa.string()),
        ("plugin", pa.string()),
        ("database", pa.string()),
        ("active", pa.bool_()),
        ("restart_lsn", pa.string()),
        ("confirmed_flush_lsn", pa.string()),
        ("wal_status", pa.string()),
        ("lag_bytes", pa.int64()),
    ]
)
SLOT_SAMPLES_SCHEMA = pa.schema(
    [
        ("at_s", pa.float64()),
        ("node", pa.string()),
        ("slot", pa.string()),
        ("active", pa.bool_()),
        ("wal_status", pa.string()),
        ("held_bytes", pa.int64()),
        ("unconfirmed_bytes", pa.int64()),
    ]
)
"""Of slot_samples.parquet: what logical replication slots held back while the scenario went on.
`held_bytes` of log are kept on disk for the slot; what its reader has not confirmed is less."""
CONNECT_SCHEMA = pa.schema(
    [
        ("node", pa.string()),
        ("connector", pa.string()),
        ("state", pa.string()),
        ("task", pa.int32()),
        ("trace", pa.string()),
    ]
)
QUIESCENCE_SCHEMA = pa.schema(
    [
        ("condition", pa.string()),
        ("met", pa.bool_()),
        ("waited_s", pa.float64()),
        ("detail", pa.string()),
    ]
)
STEADY_SCHEMA = pa.schema(
    [
        ("probe", pa.string()),
        ("when", pa.string()),
        ("holds", pa.bool_()),
        ("value", pa.string()),
        ("wanted", pa.string()),
        ("waited_s", pa.float64()),
    ]
)
"""Probes of the steady state, `before` the first fault and `after` healing."""
FAULTS_SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("target", pa.string()),
        ("proved", pa.bool_()),
        ("injected_at", pa.float64()),
        ("healed_at", pa.float64()),
    ]
)
TRACE_SCHEMA = pa.schema(
    [
        ("scenario", pa.string()),
        ("seq", pa.int64()),
        ("at_s", pa.float64()),
        ("node", pa.string()),
        ("server", pa.string()),
        ("link", pa.string()),
        ("connection", pa.int64()),
        ("direction", pa.string()),
        ("kind", pa.string()),
        ("name", pa.string()),
        ("keys", pa.list_(pa.string())),
        ("effect", pa.int64()),
        ("addresses", pa.list_(pa.string())),
        ("outcome", pa.string()),
        ("xid", pa.int64()),
        ("lsn", pa.string()),
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("size", pa.int64()),
        ("digest", pa.string()),
        ("error", pa.string()),
        ("payload", pa.binary()),
    ]
)
"""Of trace.parquet: the frames of every link in the one order (`seq`) in which the taps saw them.
What only reads in PostgreSQL, and answers to it, are left out: they mean nothing to any effect.
`node` is the link's client, `direction` who of the two sent the frame. `size` is in bytes,
`digest` the CRC-32 of the message, null where it was too large to be held."""
EFFECTS_SCHEMA = pa.schema(
    [
        ("effect", pa.int64()),
        ("at_s", pa.float64()),
        ("answered_s", pa.float64()),
        ("node", pa.string()),
        ("server", pa.string()),
        ("link", pa.string()),
        ("connection", pa.int64()),
        ("kind", pa.string()),
        ("detail", pa.string()),
        ("key", pa.string()),
        ("occurrence", pa.int64()),
        ("address", pa.string()),
        ("outcome", pa.string()),
        ("xid", pa.int64()),
        ("lsn", pa.string()),
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
    ]
)
"""Effects as the wire showed them: one row for each address, so as many as an effect has keys.
`offset` is that of the key's first record; of an offset commit the next one to be read. `xid` and `lsn` of a commit are the write-ahead log's, null where it was not asked."""
TRANSACTIONS_SCHEMA = pa.schema(
    [
        ("node", pa.string()),
        ("database", pa.string()),
        ("xid", pa.int64()),
        ("lsn", pa.string()),
        ("position", pa.int64()),
        ("table", pa.string()),
        ("operation", pa.string()),
        ("key", pa.string()),
        ("columns", pa.string()),
    ]
)
"""Every row change of every committed transaction, from the write-ahead log, in commit order.
`lsn` is the one of the commit, `position` the change's place in its transaction, `columns` JSON."""
