-- id: no-event-lost
-- family: loss
-- guarantee: Every change of an order that was committed has a record in the topic.
-- patterns: all
-- summary: {pattern} lost {count} of {judged} orders: {detail}{others}
-- needs: db.order-db.orders
-- needs: db.order-db.outbox? (aggregateid VARCHAR, version BIGINT, created_at TIMESTAMPTZ)
-- needs: events
-- An order at version v has told versions 1 to v; an outbox row tells its own version, too.
-- scope:
SELECT count(*) FROM (
    SELECT order_id FROM "db.order-db.orders"
    UNION
    SELECT aggregateid FROM "db.order-db.outbox"
)
-- counterexamples:
WITH told AS (
    SELECT order_id, unnest(range(1, version + 1)) AS version FROM "db.order-db.orders"
    UNION
    SELECT aggregateid, version FROM "db.order-db.outbox"
),
lost AS (
    SELECT order_id, min(version) AS version, list(version ORDER BY version) AS versions
    FROM told
    ANTI JOIN (SELECT order_id, version FROM events) USING (order_id, version)
    GROUP BY order_id
)
SELECT
    lost.order_id AS key,
    concat(
        'order ', lost.order_id,
        CASE WHEN lost.version = 1 THEN ' was committed' ELSE ' was cancelled' END,
        coalesce(strftime(
            make_timestamp(epoch_us(CASE
                WHEN lost.version = 1 THEN coalesce(orders.created_at, outbox.created_at)
                ELSE coalesce(orders.updated_at, outbox.created_at)
            END)), ' at %H:%M:%S.%g'
        ), ''),
        ' and no record of ',
        CASE WHEN lost.version = 1 THEN 'it' ELSE 'that' END,
        ' is in any topic'
    ) AS detail,
    true AS pending,
    lost.versions
FROM lost
LEFT JOIN "db.order-db.orders" AS orders ON orders.order_id = lost.order_id
LEFT JOIN (
    SELECT aggregateid, version, min(created_at) AS created_at
    FROM "db.order-db.outbox" GROUP BY ALL
) AS outbox ON outbox.aggregateid = lost.order_id AND outbox.version = lost.version
