-- id: no-phantom-event
-- family: phantom
-- guarantee: Every record in the topic tells of a change that was committed.
-- patterns: all
-- summary: {pattern} published {count} of {judged} orders' events without a committed change: {detail}{others}
-- needs: db.order-db.orders
-- needs: events
-- scope:
SELECT count(DISTINCT coalesce(order_id, key)) FROM events
-- counterexamples:
SELECT
    coalesce(events.order_id, events.key) AS key,
    concat(
        'the record at ', events.partition, '/', events.offset, ' tells of ',
        coalesce(events.type, 'something'), ' version ', coalesce(events.version::VARCHAR, 'none'),
        CASE
            WHEN orders.order_id IS NULL THEN ' and no such order was committed'
            ELSE concat(', but the order only came to version ', orders.version)
        END
    ) AS detail,
    events.event_id,
    events.partition,
    events.offset
FROM events
LEFT JOIN "db.order-db.orders" AS orders ON orders.order_id = events.order_id
WHERE orders.order_id IS NULL
    OR events.version > orders.version
    OR events.version < 1
ORDER BY events.partition, events.offset
