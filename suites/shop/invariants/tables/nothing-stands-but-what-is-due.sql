-- id: nothing-stands-but-what-is-due
-- family: convergence
-- guarantee: At rest, stock, money, shipments and requests for reviews are what the last committed change of each order implies; of an erased order nothing stands.
-- patterns: all
-- summary: {count} of {judged} orders stand somewhere as they should not: {detail}{others}
-- needs: changes
-- needs: db.inventory-db.stock_movements
-- needs: db.payment-db.payment_movements
-- needs: db.payment-db.prices
-- needs: db.shipping-db.shipments
-- needs: db.review-db.review_requests
-- The last change is the log's, not the table's: of an erased order the table has nothing to say.
-- scope:
SELECT count(DISTINCT order_id) FROM changes
-- counterexamples:
WITH orders AS (
    SELECT
        order_id,
        arg_max(CASE WHEN type IN ('order-placed', 'order-amended') THEN quantity ELSE 0 END, place) AS due,
        arg_max(replace(type, 'order-', ''), place) AS became,
        arg_max(product_id, place) AS product_id,
        max(version) AS version
    FROM changes
    GROUP BY order_id
),
standing AS (
    SELECT
        order_id, 'has taken' AS has, 'inventory' AS consumer, -sum(delta)::BIGINT AS amount, 'pieces' AS unit
    FROM "db.inventory-db.stock_movements"
    GROUP BY order_id
    UNION ALL
    SELECT order_id, 'has taken', 'payment', sum(cents)::BIGINT, 'cents'
    FROM "db.payment-db.payment_movements"
    GROUP BY order_id
    UNION ALL
    SELECT order_id, 'ships', 'shipping', CASE WHEN status = 'placed' THEN quantity ELSE 0 END, 'pieces'
    FROM "db.shipping-db.shipments"
    UNION ALL
    SELECT order_id, 'asks for', 'review', (status = 'requested')::BIGINT, 'reviews'
    FROM "db.review-db.review_requests"
),
due AS (
    SELECT orders.*, consumer, has, unit,
        CASE consumer
            WHEN 'payment' THEN due * coalesce(cents, 1000)
            WHEN 'review' THEN (due > 0)::BIGINT
            ELSE due
        END AS amount
    FROM orders
    LEFT JOIN "db.payment-db.prices" USING (product_id)
    CROSS JOIN (VALUES
        ('inventory', 'has taken', 'pieces'), ('payment', 'has taken', 'cents'),
        ('shipping', 'ships', 'pieces'), ('review', 'asks for', 'reviews')
    ) AS consumers (consumer, has, unit)
)
SELECT
    order_id AS key,
    concat(
        consumer, ' ', coalesce(standing.has, due.has), ' ', coalesce(standing.amount, 0), ' ',
        coalesce(standing.unit, due.unit), ' for order ', order_id,
        CASE
            WHEN due.order_id IS NULL THEN ', which was never committed'
            ELSE concat(', which was ', due.became, ' last (version ', due.version, ') and is due ', due.amount)
        END
    ) AS detail,
    true AS pending,
    consumer,
    standing.amount AS stands,
    due.amount AS due
FROM due
FULL JOIN standing USING (order_id, consumer)
WHERE coalesce(standing.amount, 0) <> coalesce(due.amount, 0)
ORDER BY order_id, consumer
