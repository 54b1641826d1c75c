-- id: acknowledged-means-durable
-- family: durability
-- guarantee: What a client was told is done is in the database, and what it was told is refused is not.
-- patterns: all
-- summary: {count} of {judged} orders are not as the client was told: {detail}{others}
-- needs: ops
-- needs: db.order-db.orders
-- An operation whose outcome is unknown (`info`) excuses either state.
-- scope:
SELECT count(DISTINCT key) FROM ops WHERE f IN ('place-order', 'cancel-order') AND type IN ('ok', 'fail')
-- counterexamples:
WITH told AS (
    SELECT
        key,
        bool_or(f = 'place-order' AND type = 'ok') AS placed,
        bool_or(f = 'cancel-order' AND type = 'ok') AS cancelled,
        bool_or(f = 'place-order' AND type = 'fail') AS refused,
        bool_or(f = 'cancel-order' AND type = 'fail') AS kept,
        bool_or(f = 'place-order' AND type IN ('ok', 'info')) AS may_be_placed,
        bool_or(f = 'cancel-order' AND type IN ('ok', 'info')) AS may_be_cancelled
    FROM ops
    WHERE f IN ('place-order', 'cancel-order') AND type IN ('ok', 'fail', 'info')
    GROUP BY key
),
seen AS (
    SELECT
        told.*,
        orders.order_id IS NOT NULL AS there,
        coalesce(orders.status = 'cancelled', false) AS is_cancelled
    FROM told
    LEFT JOIN "db.order-db.orders" AS orders ON orders.order_id = told.key
)
SELECT
    key,
    CASE
        WHEN placed AND NOT there THEN concat('order ', key, ' was acknowledged and is not in orders')
        WHEN cancelled AND NOT is_cancelled
            THEN concat('the cancellation of order ', key, ' was acknowledged and is not in orders')
        WHEN refused AND NOT may_be_placed AND there
            THEN concat('order ', key, ' was refused and is in orders all the same')
        ELSE concat('the cancellation of order ', key, ' was refused and was done all the same')
    END AS detail
FROM seen
WHERE (placed AND NOT there)
    OR (cancelled AND NOT is_cancelled)
    OR (refused AND NOT may_be_placed AND there)
    OR (kept AND NOT may_be_cancelled AND is_cancelled)
