-- id: databases-converge
-- family: convergence
-- guarantee: At rest, stock taken, money, shipments and review requests are what the committed orders imply.
-- patterns: all
-- summary: {count} of {judged} orders differ between the databases: {detail}{others}
-- needs: db.order-db.orders
-- needs: db.inventory-db.stock_movements
-- needs: db.payment-db.payment_movements
-- needs: db.shipping-db.shipments
-- needs: db.review-db.review_requests
-- Whether stock and balances agree with their ledgers is for stock-conserved and money-conserved.
-- What a customer pays is the payment service's affair: an order costs something, cancelled nothing.
-- scope:
SELECT count(*) FROM (
    SELECT order_id FROM "db.order-db.orders"
    UNION
    SELECT order_id FROM "db.inventory-db.stock_movements"
    UNION
    SELECT order_id FROM "db.payment-db.payment_movements"
    UNION
    SELECT order_id FROM "db.shipping-db.shipments"
    UNION
    SELECT order_id FROM "db.review-db.review_requests"
)
-- counterexamples:
WITH due AS (
    SELECT order_id, product_id, CASE WHEN status = 'cancelled' THEN 0 ELSE quantity END AS taken
    FROM "db.order-db.orders"
),
taken AS (
    SELECT order_id, product_id, -sum(delta) AS taken
    FROM "db.inventory-db.stock_movements"
    GROUP BY ALL
),
stock_differs AS (
    SELECT
        order_id AS key,
        concat(
            'inventory has taken ', coalesce(taken.taken, 0), ' of ', product_id, ' for order ',
            order_id, ', which is due ', coalesce(due.taken, 0)
        ) AS detail
    FROM due
    FULL JOIN taken USING (order_id, product_id)
    WHERE coalesce(due.taken, 0) <> coalesce(taken.taken, 0)
),
paid AS (
    SELECT order_id, sum(cents) AS cents FROM "db.payment-db.payment_movements" GROUP BY ALL
),
money_differs AS (
    SELECT
        order_id AS key,
        concat(
            'order ', order_id, ' is ', coalesce(orders.status, 'not there'),
            ' and its customer has paid ', coalesce(paid.cents, 0), ' cents'
        ) AS detail
    FROM "db.order-db.orders" AS orders
    FULL JOIN paid USING (order_id)
    WHERE CASE WHEN orders.status <> 'cancelled' THEN coalesce(paid.cents, 0) <= 0 ELSE coalesce(paid.cents, 0) <> 0 END
),
shipment_differs AS (
    SELECT
        order_id AS key,
        CASE
            WHEN shipment.order_id IS NULL THEN concat('order ', order_id, ' has no shipment')
            WHEN orders.order_id IS NULL THEN concat('shipment ', order_id, ' has no order')
            WHEN (orders.product_id, orders.quantity) <> (shipment.product_id, shipment.quantity)
                THEN concat(
                    'order ', order_id, ' is for ', orders.quantity, ' of ', orders.product_id,
                    ' and its shipment for ', shipment.quantity, ' of ', shipment.product_id
                )
            ELSE concat(
                'order ', order_id, ' is ', orders.status, ' (version ', orders.version,
                ') and its shipment ', shipment.status, ' (version ', shipment.version, ')'
            )
        END AS detail
    FROM "db.order-db.orders" AS orders
    FULL JOIN "db.shipping-db.shipments" AS shipment USING (order_id)
    WHERE (orders.product_id, orders.quantity, orders.status, orders.version)
        IS DISTINCT FROM (shipment.product_id, shipment.quantity, shipment.status, shipment.version)
),
review_differs AS (
    SELECT
        order_id AS key,
        CASE
            WHEN review.order_id IS NULL THEN concat('the customer of order ', order_id, ' was not asked for a review')
            WHEN orders.order_id IS NULL THEN concat('a review was asked for of order ', order_id, ', which is not there')
            ELSE concat(
                'order ', order_id, ' is ', orders.status, ' (version ', orders.version,
                ') and its review ', review.status, ' (version ', review.version, ')'
            )
        END AS detail
    FROM "db.order-db.orders" AS orders
    FULL JOIN "db.review-db.review_requests" AS review USING (order_id)
    WHERE (orders.version, orders.status = 'cancelled') IS DISTINCT FROM (review.version, review.status = 'withdrawn')
)
SELECT key, detail, true AS pending FROM stock_differs
UNION ALL
SELECT key, detail, true FROM money_differs
UNION ALL
SELECT key, detail, true FROM shipment_differs
UNION ALL
SELECT key, detail, true FROM review_differs
