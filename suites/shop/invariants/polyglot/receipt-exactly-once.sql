-- id: receipt-exactly-once
-- family: effect
-- guarantee: Every movement of money has exactly one receipt, of its amount, and there is no other receipt.
-- patterns: polyglot
-- summary: {count} of {judged} orders do not have each receipt exactly once: {detail}{others}
-- needs: db.payment-db.payment_movements
-- needs: db.receipts-db.receipts
-- A movement that was made twice is for effect-exactly-once.
-- scope:
SELECT count(*) FROM (
    SELECT order_id FROM "db.payment-db.payment_movements"
    UNION
    SELECT order_id FROM "db.receipts-db.receipts"
)
-- counterexamples:
WITH moved AS (
    SELECT DISTINCT order_id, version::BIGINT AS version, cents::BIGINT AS cents
    FROM "db.payment-db.payment_movements"
),
written AS (
    SELECT order_id, version::BIGINT AS version, cents::BIGINT AS cents, count(*) AS times
    FROM "db.receipts-db.receipts"
    GROUP BY ALL
)
SELECT
    order_id AS key,
    concat(
        'version ', version, ' of order ', order_id, ' over ', cents, ' cents has ',
        coalesce(written.times, 0), ' receipts',
        CASE WHEN moved.order_id IS NULL THEN ' and no such movement' ELSE '' END
    ) AS detail,
    written.times IS NULL AS pending
FROM moved
FULL JOIN written USING (order_id, version, cents)
WHERE moved.order_id IS NULL OR written.times IS NULL OR written.times > 1
