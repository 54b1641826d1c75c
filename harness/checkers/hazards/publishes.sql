-- table: publishes
-- Produces, and what they belong to. `relayed`: to a row of an outbox, for the node marks rows of
-- that key. `inside`: to a transaction of the node's that had written the key and was still open,
-- with a connection on which nothing passed between the request and its acknowledgement, as it must
-- be where one thread does both; `ended` is the place of the frame that ended it.
-- needs: acts
-- needs: outbox_writes
-- needs: trace
-- rows:
WITH passed AS (
    SELECT
        node, connection, seq, kind, keys,
        lead(seq) OVER later AS next,
        min(seq) FILTER (kind <> 'statement') OVER later AS ended
    FROM trace
    WHERE
        kind IN ('statement', 'commit', 'rolled-back', 'prepared', 'close')
        AND server IN (SELECT server FROM acts WHERE kind = 'commit')
    WINDOW later AS (
        PARTITION BY connection ORDER BY seq ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    )
),
written AS (
    SELECT node, connection, ended, key, min(seq) AS wrote
    FROM (SELECT *, unnest(keys) AS key FROM passed WHERE kind = 'statement')
    GROUP BY ALL
),
around AS (
    SELECT acts.effect, acts.key, acts.asked, acts.answered, written.connection, written.ended
    FROM acts
    JOIN written
        ON written.node = acts.node AND written.key = acts.key AND written.wrote < acts.asked
        AND (written.ended IS NULL OR written.ended > acts.asked)
    WHERE acts.kind = 'produce'
),
within_one AS (
    SELECT around.effect, around.key, min(around.ended) AS ended
    FROM around
    ASOF JOIN passed AS last
        ON last.connection = around.connection AND around.asked > last.seq
    WHERE last.next IS NULL OR around.answered IS NULL OR last.next > around.answered
    GROUP BY ALL
)
SELECT
    acts.*,
    EXISTS (
        FROM outbox_writes AS mark
        WHERE
            mark.node = acts.node AND mark.key = acts.key
            AND mark.operation IN ('update', 'delete')
    ) AS relayed,
    within_one.effect IS NOT NULL AS inside,
    within_one.ended
FROM acts
LEFT JOIN within_one ON within_one.effect = acts.effect AND within_one.key = acts.key
WHERE acts.kind = 'produce'
