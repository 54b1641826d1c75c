"""Debezium down under load and back: what the slot held back, how long catching up took, what was lost.

    python benchmarks/outage.py RUN_DIR

of a run such as `aftershock run shop -p outbox-cdc -f down=120:connect --duration 150`.
"""

import sys
from pathlib import Path

import duckdb

from harness.store import open_run

QUERIES = {
    "slot": """
        SELECT slot, max(held_bytes), arg_max(at_s, held_bytes), min(held_bytes),
               arg_max(held_bytes, at_s), max(unconfirmed_bytes), count(*)
        FROM '{dir}/snapshot/slot_samples.parquet' GROUP BY slot
    """,
    "backlog": """
        SELECT count(*) FILTER (created_at <= healed),
               count(*) FILTER (created_at BETWEEN injected AND healed),
               max(epoch(published) - epoch(healed)) FILTER (created_at <= healed),
               min(epoch(published) - epoch(healed)) FILTER (published > healed),
               count(*) FILTER (published IS NULL), count(*)
        FROM (
            SELECT outbox.*, published, {at} + to_microseconds({injected}) AS injected,
                   {at} + to_microseconds({healed}) AS healed
            FROM '{dir}/snapshot/db.order-db.outbox.parquet' AS outbox
            LEFT JOIN (
                SELECT json_extract_string(value, '$.event_id') AS id, min("timestamp") AS published
                FROM '{dir}/snapshot/kafka.order.events.parquet' GROUP BY 1
            ) AS records ON records.id = outbox.id::VARCHAR
        )
    """,
    "applied": """
        SELECT max(epoch(applied_at) - epoch({at} + to_microseconds({healed})))
        FROM '{dir}/snapshot/db.inventory-db.stock_movements.parquet'
        WHERE event_id::VARCHAR IN (
            SELECT id::VARCHAR FROM '{dir}/snapshot/db.order-db.outbox.parquet'
            WHERE created_at <= {at} + to_microseconds({healed})
        )
    """,
    "series": """
        SELECT floor(at_s / 10) * 10, max(held_bytes), bool_or(active)
        FROM '{dir}/snapshot/slot_samples.parquet' GROUP BY 1 ORDER BY 1
    """,
}


def main() -> int:
    """Print the figures of the run's first scenario."""
    record = open_run(Path(sys.argv[1])).scenarios[0]
    (fault,) = record.faults
    if fault.injected_at is None or fault.healed_at is None:
        print("the fault was not injected and healed", file=sys.stderr)
        return 1
    history = f"'{record.dir}/history.parquet'"
    asked = f'SELECT min(epoch_us("at") - (time_s * 1e6)::BIGINT) FROM {history}'  # noqa: S608 - our own files
    ((began_us,),) = duckdb.sql(asked).fetchall()
    values = {
        "dir": record.dir,
        "at": f"make_timestamptz({began_us})",
        "injected": int(fault.injected_at * 1e6),
        "healed": int(fault.healed_at * 1e6),
    }
    found = {name: duckdb.sql(q.format(**values)).fetchall() for name, q in QUERIES.items()}
    print(f"down for {fault.healed_at - fault.injected_at:.1f} s")
    for slot, peak, peak_s, least, last, unconfirmed, samples in found["slot"]:
        print(f"slot {slot}: at most {peak:,} bytes of log held back, {peak_s:.0f} s in; at least"
              f" {least:,}, in the end {last:,}; unconfirmed at most {unconfirmed:,}"
              f" ({samples} samples)")  # fmt: skip
    ((before, missed, caught_up_s, first_s, lost, events),) = found["backlog"]
    print(f"{events:,} events, {before:,} committed before the heal, {missed:,} while it was down,"
          f" {lost} without a record")  # fmt: skip
    print(f"after the heal: first record {first_s:.2f} s, the last of those missed {caught_up_s:.2f}"
          f" s, applied by inventory {found['applied'][0][0]:.2f} s")  # fmt: skip
    for at_s, held, active in found["series"]:
        print(f"  {at_s:4.0f} s  {held:>12,} bytes  {'read' if active else 'not read'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
