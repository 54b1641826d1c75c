-- table: effects
-- What consumers did, one row for each effect in their ledgers.
-- needs: db.inventory-db.stock_movements
-- needs: db.payment-db.payment_movements
-- needs: db.shipping-db.shipment_changes
-- needs: db.review-db.review_changes
-- needs: db.notification-db.pushes
-- rows:
SELECT 'inventory' AS consumer, event_id::VARCHAR AS event_id, order_id, version::BIGINT AS version, applied_at
FROM "db.inventory-db.stock_movements"
UNION ALL
SELECT 'payment', event_id::VARCHAR, order_id, version::BIGINT, applied_at
FROM "db.payment-db.payment_movements"
UNION ALL
SELECT 'shipping', event_id::VARCHAR, order_id, version::BIGINT, applied_at
FROM "db.shipping-db.shipment_changes"
UNION ALL
SELECT 'review', event_id::VARCHAR, order_id, version::BIGINT, applied_at
FROM "db.review-db.review_changes"
UNION ALL
SELECT 'notification', event_id::VARCHAR, order_id, version::BIGINT, applied_at
FROM "db.notification-db.pushes"
