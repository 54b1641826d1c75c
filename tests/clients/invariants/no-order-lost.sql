-- id: no-order-lost
-- family: loss
-- guarantee: Every committed order has its record in the topic.
-- patterns: all
-- summary: {pattern} lost {count} of {judged} orders: {detail}{others}
-- needs: db.writer-db.orders
-- needs: kafka.orders.placed
-- scope:
SELECT count(*) FROM "db.writer-db.orders"
-- counterexamples:
SELECT
    o.order_id AS key,
    'order ' || o.order_id || ' was committed and no record of it is in the topic' AS detail,
    true AS pending
FROM "db.writer-db.orders" AS o
ANTI JOIN "kafka.orders.placed" AS e ON e.key = o.order_id AND e.committed
