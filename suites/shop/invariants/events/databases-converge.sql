-- id: databases-converge
-- family: convergence
-- guarantee: At rest, the stock taken and the shipments are what the committed orders imply.
-- patterns: all
-- summary: {count} of {judged} orders differ between the databases: {detail}{others}
-- needs: db.order-db.orders
-- needs: db.inventory-db.stock_movements
-- needs: db.shipping-db.shipments
-- Whether `stock` itself agrees with its ledger is for stock-conserved.
-- scope:
SELECT count(*) FROM (
    SELECT order_id FROM "db.order-db.orders"
    UNION
    SELECT order_id FROM "db.inventory-db.stock_movements"
    UNION
    SELECT order_id FROM "db.shipping-db.shipments"
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
)
SELECT key, detail, true AS pending FROM stock_differs
UNION ALL
SELECT key, detail, true FROM shipment_differs
