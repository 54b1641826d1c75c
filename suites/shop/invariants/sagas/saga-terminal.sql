-- id: saga-terminal
-- family: saga
-- guarantee: At rest, every order's saga has ended, completed, rejected or cancelled.
-- patterns: all
-- summary: {count} of {judged} sagas did not end: {detail}{others}
-- needs: db.order-db.orders
-- needs: db.saga-db.sagas? (order_id VARCHAR, state VARCHAR)
-- Where an orchestrator keeps a log, it must have come to the same end as the order.
-- scope:
SELECT count(*) FROM "db.order-db.orders"
-- counterexamples:
SELECT
    coalesce(orders.order_id, sagas.order_id) AS key,
    CASE
        WHEN orders.order_id IS NULL THEN concat('the log has a saga of order ', sagas.order_id, ', which there is not')
        WHEN sagas.state IS DISTINCT FROM orders.status AND orders.status IN ('completed', 'rejected', 'cancelled')
            THEN concat('order ', orders.order_id, ' is ', orders.status, ' and its saga ', coalesce(sagas.state, 'was never begun'))
        ELSE concat('order ', orders.order_id, ' is still ', orders.status, ', its saga ' || sagas.state)
    END AS detail,
    orders.order_id IS NOT NULL AS pending
FROM "db.order-db.orders" AS orders
FULL JOIN "db.saga-db.sagas" AS sagas USING (order_id)
WHERE orders.order_id IS NULL
    OR orders.status NOT IN ('completed', 'rejected', 'cancelled')
    OR ((SELECT count(*) FROM "db.saga-db.sagas") > 0 AND sagas.state IS DISTINCT FROM orders.status)
