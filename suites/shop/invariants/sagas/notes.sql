-- table: notes
-- What the participants noted of their steps: done, refused, undone, or fenced off before it was done.
-- needs: db.inventory-db.saga_changes
-- needs: db.payment-db.saga_changes
-- needs: db.shipping-db.saga_changes
-- rows:
SELECT step, order_id, change, event_id::VARCHAR AS event_id, applied_at FROM "db.inventory-db.saga_changes"
UNION ALL
SELECT step, order_id, change, event_id::VARCHAR, applied_at FROM "db.payment-db.saga_changes"
UNION ALL
SELECT step, order_id, change, event_id::VARCHAR, applied_at FROM "db.shipping-db.saga_changes"
