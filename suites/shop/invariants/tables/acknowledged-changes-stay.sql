-- id: acknowledged-changes-stay
-- family: durability
-- guarantee: What a client was told is done was committed and stays so: an erased order's row is gone, another one's is there; what it was told is refused was not done.
-- patterns: all
-- summary: {count} of {judged} orders are not as the client was told: {detail}{others}
-- needs: ops
-- needs: changes
-- needs: db.order-db.orders
-- The answer names the version that the change made. One whose outcome is unknown (`info`) excuses
-- either state.
-- scope:
SELECT count(DISTINCT key) FROM ops WHERE type IN ('ok', 'fail')
-- counterexamples:
WITH asked AS (
    SELECT
        key,
        type,
        f,
        CASE
            WHEN starts_with(f, 'place') THEN 'order-placed'
            WHEN starts_with(f, 'amend') THEN 'order-amended'
            WHEN starts_with(f, 'cancel') THEN 'order-cancelled'
            WHEN starts_with(f, 'erase') THEN 'order-erased'
        END AS change,
        (value->>'version')::BIGINT AS version
    FROM ops
    WHERE type IN ('ok', 'fail', 'info')
),
maybe AS (
    SELECT DISTINCT key, change FROM asked WHERE type IN ('ok', 'info')
),
gone AS (
    SELECT order_id, max(xid) AS xid FROM changes WHERE operation = 'delete' GROUP BY order_id
)
SELECT
    key,
    concat(f, ' of order ', key, ' was acknowledged as version ', version, ' and was not committed') AS detail
FROM asked
WHERE type = 'ok' AND version IS NOT NULL AND NOT EXISTS (
    FROM changes WHERE changes.order_id = key AND changes.version = asked.version AND changes.type = change
)
UNION ALL
SELECT asked.key, concat(f, ' of order ', asked.key, ' was refused and was done all the same')
FROM asked
JOIN changes ON changes.order_id = asked.key AND changes.type = change
ANTI JOIN maybe ON maybe.key = asked.key AND maybe.change = asked.change
WHERE asked.type = 'fail'
UNION ALL
SELECT key, concat('order ', key, ' was acknowledged, nobody erased it, and it is not in orders')
FROM asked
WHERE type = 'ok' AND change = 'order-placed'
    AND key NOT IN (SELECT order_id FROM gone)
    AND key NOT IN (SELECT order_id FROM "db.order-db.orders")
UNION ALL
SELECT
    key,
    concat('the erasure of order ', key, ' was acknowledged and it is in orders')
FROM asked
WHERE type = 'ok' AND change = 'order-erased' AND key IN (SELECT order_id FROM "db.order-db.orders")
