-- id: payload-intact
-- family: payload
-- guarantee: Every record carries exactly what its order's row says, under the order's id as its key.
-- patterns: all
-- summary: {count} of {judged} orders have a record that differs from the row: {detail}{others}
-- needs: db.order-db.orders
-- needs: events
-- A record without a row is for no-phantom-event.
-- scope:
SELECT count(DISTINCT coalesce(order_id, key)) FROM events
-- counterexamples:
WITH compared AS (
    SELECT
        events.*,
        CASE
            WHEN NOT readable THEN 'it is no JSON object'
            WHEN events.event_id IS NULL OR events.order_id IS NULL OR events.version IS NULL
                THEN 'its event_id, order_id or version is missing'
            WHEN events.key IS DISTINCT FROM events.order_id
                THEN concat('its key is ', coalesce(events.key, 'missing'), ', its order_id ', events.order_id)
            WHEN json_valid(headers) AND json_extract_string(headers, '$.event_id') <> events.event_id
                THEN 'its header event_id is another than its own'
            WHEN events.type IS DISTINCT FROM (
                CASE events.version WHEN 1 THEN 'order-placed' WHEN 2 THEN 'order-cancelled' END
            )
                THEN concat('version ', events.version, ' has the type ', coalesce(events.type, 'none'))
            WHEN orders.order_id IS NULL THEN NULL
            WHEN events.product_id IS DISTINCT FROM orders.product_id
                THEN concat('product ', coalesce(events.product_id, 'none'), ' instead of ', orders.product_id)
            WHEN events.quantity IS DISTINCT FROM orders.quantity
                THEN concat('quantity ', coalesce(events.quantity::VARCHAR, 'none'), ' instead of ', orders.quantity)
        END AS wrong
    FROM events
    LEFT JOIN "db.order-db.orders" AS orders ON orders.order_id = events.order_id
)
SELECT
    coalesce(order_id, key) AS key,
    concat('the record at ', partition, '/', "offset", ': ', wrong) AS detail,
    partition,
    "offset"
FROM compared
WHERE wrong IS NOT NULL
ORDER BY partition, "offset"
