-- table: effects
-- What both consumers did, one row for each effect in their ledgers.
-- needs: db.inventory-db.stock_movements
-- needs: db.shipping-db.shipment_changes
-- rows:
SELECT 'inventory' AS consumer, event_id::VARCHAR AS event_id, order_id, version::BIGINT AS version, applied_at
FROM "db.inventory-db.stock_movements"
UNION ALL
SELECT 'shipping', event_id::VARCHAR, order_id, version::BIGINT, applied_at
FROM "db.shipping-db.shipment_changes"
