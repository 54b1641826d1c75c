-- table: outbox_writes
-- What acknowledged commits did to declared outboxes: one row for each commit, key and operation.
-- A row that is written and deleted in one transaction goes through the write-ahead log alone, so
-- its deletion marks nothing. Where the outbox has a column that is set when a row was sent, only
-- updates that set it count, as far as the write-ahead log tells.
-- needs: acts
-- needs: outboxes
-- needs: transactions? (node VARCHAR, xid BIGINT, "table" VARCHAR, operation VARCHAR, key VARCHAR, columns VARCHAR)
-- rows:
WITH written AS (
    SELECT
        acts.node, acts.server, acts.key, acts.asked, acts.answered, acts.at_s, acts.address,
        acts.xid, acts.parts, outboxes.table, outboxes.sent,
        string_split(unnest(acts.parts), ':')[2] AS operation,
        starts_with(unnest(acts.parts), outboxes.table || ':') AS is_outbox
    FROM acts
    JOIN outboxes ON outboxes.node = acts.server
    WHERE acts.kind = 'commit' AND acts.answered IS NOT NULL
)
SELECT node, server, key, asked, answered, at_s, address, xid, "table", operation
FROM written
WHERE
    is_outbox
    AND (operation = 'insert' OR NOT list_contains(parts, "table" || ':insert'))
    AND (
        operation <> 'update' OR sent IS NULL OR NOT EXISTS (
            FROM transactions AS logged
            WHERE
                logged.node = written.server AND logged.xid = written.xid
                AND logged.table = written.table AND logged.operation = 'update'
                AND logged.key = written.key AND json_valid(logged.columns)
        ) OR EXISTS (
            FROM transactions AS logged
            WHERE
                logged.node = written.server AND logged.xid = written.xid
                AND logged.table = written.table AND logged.operation = 'update'
                AND logged.key = written.key AND json_valid(logged.columns)
                AND json_extract_string(logged.columns, '$."' || sent || '"') IS NOT NULL
        )
    )
