-- table: step_effects
-- What the participants' own ledgers say they did: stock, money and shipment moved (`done`) and moved
-- back (`undone`).
-- needs: db.inventory-db.stock_movements
-- needs: db.payment-db.payment_movements
-- needs: db.shipping-db.shipment_changes
-- rows:
SELECT
    step,
    order_id,
    CASE version WHEN 1 THEN 'done' ELSE 'undone' END AS what,
    event_id::VARCHAR AS event_id,
    applied_at
FROM (
    SELECT 'stock' AS step, order_id, version, event_id, applied_at FROM "db.inventory-db.stock_movements"
    UNION ALL
    SELECT 'payment', order_id, version, event_id, applied_at FROM "db.payment-db.payment_movements"
    UNION ALL
    SELECT 'shipment', order_id, version, event_id, applied_at FROM "db.shipping-db.shipment_changes"
)
