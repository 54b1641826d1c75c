-- rule: marked-before-acknowledged
-- says: A crash after the outbox row is marked sent and before the broker has the record loses the event for good: nobody will send it again.
-- summary: {node} marked rows of {server}'s {table} as sent before the broker had acknowledged their records, {times}: {detail}{others}
-- needs: acts
-- needs: outbox_writes
-- Only nodes that publish are held to it: who merely deletes old rows marks none. The n-th mark of
-- a key is held against its n-th row, updates and deletions apart: a record of that key must have
-- been asked for after that row was written, and acknowledged before the mark's commit was sent.
-- scope:
SELECT count(*)
FROM outbox_writes
WHERE operation IN ('update', 'delete') AND node IN (SELECT node FROM acts WHERE kind = 'produce')
-- hazards:
WITH numbered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY server, "table", key, operation ORDER BY answered
        ) AS n,
        count(*) OVER (PARTITION BY server, "table", key, operation) AS of_them
    FROM outbox_writes
),
marks AS (
    SELECT
        mark.*,
        coalesce(exact.asked, latest.asked, 0) AS written
    FROM numbered AS mark
    LEFT JOIN numbered AS exact
        ON exact.server = mark.server AND exact.table = mark.table AND exact.key = mark.key
        AND exact.operation = 'insert' AND exact.n = mark.n
    LEFT JOIN numbered AS latest
        ON latest.server = mark.server AND latest.table = mark.table AND latest.key = mark.key
        AND latest.operation = 'insert' AND latest.n = latest.of_them
    WHERE
        mark.operation IN ('update', 'delete')
        AND mark.node IN (SELECT node FROM acts WHERE kind = 'produce')
)
SELECT
    node,
    key,
    concat(
        node, ' committed ', "table", ':', operation, ' of key ', key, ', and ',
        coalesce(
            'the broker acknowledged its record only ' || (
                SELECT round(min(later.answered_s - marks.at_s) * 1000, 2)
                FROM acts AS later
                WHERE
                    later.kind = 'produce' AND later.node = marks.node AND later.key = marks.key
                    AND later.answered > marks.asked
            ) || ' ms later',
            'no record of it was acknowledged after that'
        )
    ) AS detail,
    server,
    "table",
    operation,
    round(at_s, 4) AS marked_s,
    address AS marked,
    xid
FROM marks
WHERE NOT EXISTS (
    FROM acts AS sent
    WHERE
        sent.kind = 'produce' AND sent.node = marks.node AND sent.key = marks.key
        AND sent.asked > marks.written AND sent.answered < marks.asked
)
ORDER BY marked_s
