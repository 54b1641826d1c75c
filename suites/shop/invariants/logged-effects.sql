-- table: logged_effects
-- Every change of a consumer's ledger of effects, as its database's write-ahead log has it: what was
-- entered and later taken out again is here still. Ledgers are only added to: `operation` is insert.
-- needs: transactions
-- rows:
SELECT
    consumer,
    operation,
    columns->>'event_id' AS event_id,
    coalesce(columns->>'order_id', key) AS order_id,
    (columns->>'version')::BIGINT AS version,
    xid,
    lsn,
    row_number() OVER (PARTITION BY consumer ORDER BY lsn(lsn), position) AS place
FROM transactions
JOIN (VALUES
    ('inventory', 'inventory-db', 'stock_movements'),
    ('payment', 'payment-db', 'payment_movements'),
    ('shipping', 'shipping-db', 'shipment_changes'),
    ('review', 'review-db', 'review_changes'),
    ('notification', 'notification-db', 'pushes')
) AS ledgers (consumer, node, "table") USING (node, "table")
