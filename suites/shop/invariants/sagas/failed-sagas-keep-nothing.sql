-- id: failed-sagas-keep-nothing
-- family: conservation
-- guarantee: A completed order has its goods, its price and its shipment; a failed one has taken nothing and nothing is shipped.
-- patterns: all
-- summary: {count} of {judged} orders are not what was taken for them: {detail}{others}
-- needs: db.order-db.orders
-- needs: db.inventory-db.stock
-- needs: db.inventory-db.stock_movements
-- needs: db.payment-db.prices
-- needs: db.payment-db.payment_movements
-- needs: db.shipping-db.shipments
-- There is no back order under sagas: nothing that was promised may be less than nothing in stock.
-- scope:
SELECT count(*) FROM "db.order-db.orders" WHERE status IN ('completed', 'rejected', 'cancelled')
-- counterexamples:
WITH due AS (
    SELECT
        order_id,
        status,
        CASE status WHEN 'completed' THEN quantity ELSE 0 END AS pieces,
        CASE status WHEN 'completed' THEN quantity * coalesce(cents, 1000) ELSE 0 END AS cents
    FROM "db.order-db.orders"
    LEFT JOIN "db.payment-db.prices" USING (product_id)
    WHERE status IN ('completed', 'rejected', 'cancelled')
),
taken AS (SELECT order_id, -sum(delta) AS pieces FROM "db.inventory-db.stock_movements" GROUP BY ALL),
paid AS (SELECT order_id, sum(cents) AS cents FROM "db.payment-db.payment_movements" GROUP BY ALL)
SELECT
    due.order_id AS key,
    concat('order ', due.order_id, ' is ', due.status, ' and has ', coalesce(taken.pieces, 0), ' pieces instead of ', due.pieces) AS detail
FROM due
LEFT JOIN taken USING (order_id)
WHERE coalesce(taken.pieces, 0) <> due.pieces
UNION ALL
SELECT
    due.order_id,
    concat('order ', due.order_id, ' is ', due.status, ' and has paid ', coalesce(paid.cents, 0), ' cents instead of ', due.cents)
FROM due
LEFT JOIN paid USING (order_id)
WHERE coalesce(paid.cents, 0) <> due.cents
UNION ALL
SELECT
    due.order_id,
    concat('order ', due.order_id, ' is ', due.status, ' and its shipment ', coalesce(shipments.status, 'is not there'))
FROM due
LEFT JOIN "db.shipping-db.shipments" AS shipments USING (order_id)
WHERE (due.status = 'completed') <> (coalesce(shipments.status, '') = 'arranged')
UNION ALL
SELECT product_id, concat(on_hand, ' of ', product_id, ' are in stock')
FROM "db.inventory-db.stock"
WHERE on_hand < 0
