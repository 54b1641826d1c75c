-- id: told-is-kept
-- family: durability
-- guarantee: An order that was accepted is there, one that was refused is not; it is cancelled if its cancellation was accepted, and only then.
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
        bool_or(f = 'place-order' AND type = 'fail') AS refused,
        bool_or(f = 'place-order' AND type IN ('ok', 'info')) AS may_be_placed,
        bool_or(f = 'cancel-order' AND type = 'ok') AS cancelled,
        bool_or(f = 'cancel-order' AND type IN ('ok', 'info')) AS may_be_cancelled
    FROM ops
    WHERE f IN ('place-order', 'cancel-order') AND type IN ('ok', 'fail', 'info')
    GROUP BY key
),
seen AS (
    SELECT told.*, orders.order_id IS NOT NULL AS there, orders.status
    FROM told
    LEFT JOIN "db.order-db.orders" AS orders ON orders.order_id = told.key
)
SELECT
    key,
    CASE
        WHEN placed AND NOT there THEN concat('order ', key, ' was accepted and is not in orders')
        WHEN refused AND NOT may_be_placed AND there THEN concat('order ', key, ' was refused and is in orders all the same')
        WHEN cancelled THEN concat('the cancellation of order ', key, ' was accepted and it is ', status)
        ELSE concat('order ', key, ' is cancelled and nobody was told so')
    END AS detail
FROM seen
WHERE (placed AND NOT there)
    OR (refused AND NOT may_be_placed AND there)
    OR (cancelled AND there AND status NOT IN ('cancelling', 'cancelled'))
    OR (NOT may_be_cancelled AND status IN ('cancelling', 'cancelled'))
