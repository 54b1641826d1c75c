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
FAULTS_SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("target", pa.string()),
        ("proved", pa.bool_()),
        ("injected_at", pa.float64()),
        ("healed_at", pa.float64()),
    ]
)
