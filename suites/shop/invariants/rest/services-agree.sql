-- id: services-agree
-- family: convergence
-- guarantee: At rest, each service has done for an order what the order's own state asks for, and nothing for an order that there is not.
-- patterns: all
-- summary: {count} of {judged} orders differ between the services: {detail}{others}
-- needs: db.order-db.orders
-- needs: db.inventory-db.stock_movements
-- needs: effects
-- Odd versions place, even ones cancel: what was done and undone in equal number comes to nothing.
-- A push can't be taken back, but a second one can tell that the order is off.
-- scope:
SELECT count(*) FROM (SELECT order_id FROM "db.order-db.orders" UNION SELECT order_id FROM effects)
-- counterexamples:
WITH due AS (
    SELECT order_id, product_id, quantity, (status = 'placed')::INTEGER AS standing
    FROM "db.order-db.orders"
),
known AS (SELECT order_id FROM due UNION SELECT order_id FROM effects),
done AS (
    SELECT
        consumer,
        order_id,
        count(*) FILTER (version % 2 = 1) AS placed,
        count(*) FILTER (version % 2 = 0) AS cancelled
    FROM effects
    GROUP BY ALL
),
service_differs AS (
    SELECT
        known.order_id AS key,
        concat(
            string_agg(consumer, ', ' ORDER BY consumer), ' placed it ', coalesce(done.placed, 0),
            ' and cancelled it ', coalesce(done.cancelled, 0), ' times'
        ) AS says
    FROM known
    CROSS JOIN (VALUES ('inventory'), ('payment'), ('shipping'), ('review'), ('notification')) AS consumers (consumer)
    LEFT JOIN done USING (consumer, order_id)
    LEFT JOIN due USING (order_id)
    WHERE coalesce(done.placed, 0) - coalesce(done.cancelled, 0) <> coalesce(due.standing, 0)
    GROUP BY known.order_id, coalesce(done.placed, 0), coalesce(done.cancelled, 0)
),
amount_differs AS (
    SELECT
        order_id AS key,
        concat('inventory took ', moved.taken, ' of ', moved.product_id) AS says
    FROM due
    JOIN (
        SELECT order_id, product_id, -sum(delta) AS taken
        FROM "db.inventory-db.stock_movements" GROUP BY ALL
    ) AS moved USING (order_id)
    WHERE (moved.product_id, moved.taken) <> (due.product_id, due.quantity * due.standing)
)
SELECT
    key,
    concat(
        CASE
            WHEN orders.order_id IS NULL THEN concat('there is no order ', key)
            ELSE concat('order ', key, ' is ', orders.status)
        END,
        ', and ', string_agg(says, '; ' ORDER BY says)
    ) AS detail,
    true AS pending
FROM (SELECT key, says FROM service_differs UNION ALL SELECT key, says FROM amount_differs)
LEFT JOIN "db.order-db.orders" AS orders ON orders.order_id = key
GROUP BY key, orders.order_id, orders.status
