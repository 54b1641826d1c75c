-- table: changes
-- Every committed change of an order, as the write-ahead log of its database has it: those, too,
-- that were written over or whose row is gone. `place` is their order. That a row was deleted is
-- the version after its last.
-- needs: transactions
-- rows:
SELECT
    order_id,
    version + (operation = 'delete')::BIGINT AS version,
    operation,
    CASE
        WHEN operation = 'delete' THEN 'order-erased'
        WHEN status = 'cancelled' THEN 'order-cancelled'
        WHEN operation = 'insert' THEN 'order-placed'
        ELSE 'order-amended'
    END AS type,
    product_id,
    quantity,
    status,
    xid,
    lsn,
    row_number() OVER (ORDER BY lsn(lsn), position) AS place
FROM (
    SELECT
        *,
        columns->>'order_id' AS order_id,
        (columns->>'version')::BIGINT AS version,
        columns->>'product_id' AS product_id,
        (columns->>'quantity')::BIGINT AS quantity,
        columns->>'status' AS status
    FROM transactions
    WHERE node = 'order-db' AND "table" = 'orders' AND operation IN ('insert', 'update', 'delete')
)
