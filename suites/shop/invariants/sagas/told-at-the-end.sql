-- id: told-at-the-end
-- family: effect
-- guarantee: At rest, each saga's end was pushed to the customer once, and just the completed were asked for a review, once.
-- patterns: all
-- summary: {count} of {judged} orders' ends were not told once: {detail}{others}
-- needs: db.order-db.orders
-- needs: db.notification-db.pushes
-- needs: db.review-db.review_changes
-- scope:
SELECT count(*) FROM "db.order-db.orders" WHERE status IN ('completed', 'rejected', 'cancelled')
-- counterexamples:
WITH due AS (
    SELECT 'push' AS what, order_id, 'order-' || status AS type FROM "db.order-db.orders"
    WHERE status IN ('completed', 'rejected', 'cancelled')
    UNION ALL
    SELECT 'review', order_id, 'order-completed' FROM "db.order-db.orders" WHERE status = 'completed'
),
sent AS (
    SELECT 'push' AS what, order_id, type, count(*) AS times FROM "db.notification-db.pushes" GROUP BY ALL
    UNION ALL
    SELECT 'review', order_id, type, count(*) FROM "db.review-db.review_changes" GROUP BY ALL
)
SELECT
    order_id AS key,
    concat(
        'the ', what, ' of ', type, ' for order ', order_id,
        CASE WHEN sent.times IS NULL THEN ' was never made' ELSE concat(' was made ', sent.times, ' times') END,
        CASE WHEN due.order_id IS NULL THEN ', and the order did not end so' ELSE '' END
    ) AS detail,
    sent.times IS NULL AS pending
FROM due
FULL JOIN sent USING (what, order_id, type)
WHERE due.order_id IS NULL OR sent.times IS DISTINCT FROM 1
ORDER BY key, detail
