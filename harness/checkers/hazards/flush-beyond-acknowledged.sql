-- rule: flush-beyond-acknowledged
-- says: A crash after the slot is flushed and before the broker has the record loses the change for good: the server will not send it again.
-- summary: {node} flushed slot {slot} of {server} beyond what the broker had acknowledged, {times}: {detail}{others}
-- needs: acts
-- needs: trace
-- A flush has the keys of the transactions that it newly covers. Each needs a record of that key
-- which the node asked for after it was first sent the key's last covered transaction, and which
-- was acknowledged before the flush. It came too early where that record was acknowledged later,
-- and asked for before the node was sent another transaction of the key; where that was seen of a
-- node, changes whose record never came count too. A connector that publishes only some of what it
-- reads breaks no rule.
-- scope:
SELECT count(*)
FROM acts
WHERE kind = 'flush' AND node IN (SELECT node FROM acts WHERE kind = 'produce')
-- hazards:
WITH sent AS (
    SELECT node, server, key, xid, min(seq) AS seq, any_value(lsn(lsn)) AS position
    FROM (
        SELECT node, server, unnest(keys) AS key, xid, seq, lsn
        FROM trace WHERE kind = 'wal-commit'
    )
    GROUP BY ALL
),
flushes AS (
    SELECT
        flush.node, flush.server, flush.key, flush.detail AS slot, flush.asked, flush.at_s,
        flush.address, flush.lsn,
        coalesce(max(sent.seq) FILTER (sent.position < lsn(flush.lsn)), 0) AS sent,
        arg_max(sent.xid, sent.position) FILTER (sent.position < lsn(flush.lsn)) AS xid,
        min(sent.seq) FILTER (sent.position >= lsn(flush.lsn)) AS next
    FROM acts AS flush
    LEFT JOIN sent
        ON sent.node = flush.node AND sent.server = flush.server AND sent.key = flush.key
    WHERE flush.kind = 'flush' AND flush.node IN (SELECT node FROM acts WHERE kind = 'produce')
    GROUP BY ALL
),
early AS (
    SELECT
        flushes.*,
        min(later.answered_s) AS acknowledged_s
    FROM flushes
    LEFT JOIN acts AS later
        ON later.kind = 'produce' AND later.node = flushes.node AND later.key = flushes.key
        AND later.asked > flushes.sent AND later.answered > flushes.asked
        AND (flushes.next IS NULL OR later.asked < flushes.next)
    WHERE NOT EXISTS (
        FROM acts AS done
        WHERE
            done.kind = 'produce' AND done.node = flushes.node AND done.key = flushes.key
            AND done.asked > flushes.sent AND done.answered < flushes.asked
    )
    GROUP BY ALL
)
SELECT
    node,
    key,
    concat(
        'the flush to ', lsn, ' covers key ', key, ' ', 'of xid ' || xid || ' ', 'and ',
        coalesce(
            'its record was acknowledged ' || round((acknowledged_s - at_s) * 1000, 2)
            || ' ms later',
            'no record of it was acknowledged'
        )
    ) AS detail,
    server,
    slot,
    lsn,
    xid,
    round(at_s, 4) AS flushed_s,
    address AS flushed
FROM early
WHERE
    acknowledged_s IS NOT NULL
    OR (node, slot) IN (SELECT (node, slot) FROM early WHERE acknowledged_s IS NOT NULL)
ORDER BY flushed_s
