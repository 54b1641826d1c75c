-- table: records
-- Every record of the topics of orders that a read_committed consumer sees, its value taken apart
-- once. What is no JSON object of the right types has nulls.
-- needs: kafka.order.events? (partition INTEGER, "offset" BIGINT, key VARCHAR, value VARCHAR, headers VARCHAR, committed BOOLEAN)
-- needs: kafka.order.routed? (partition INTEGER, "offset" BIGINT, key VARCHAR, value VARCHAR, headers VARCHAR, committed BOOLEAN)
-- rows:
SELECT
    topic,
    partition,
    "offset",
    key,
    headers,
    j IS NOT NULL AS readable,
    j.event_id AS event_id,
    j.type AS type,
    j.order_id AS order_id,
    j.product_id AS product_id,
    j.quantity AS quantity,
    j.version AS version
FROM (
    SELECT
        topic,
        partition,
        "offset",
        key,
        headers,
        CASE WHEN json_valid(value) AND json_type(value) = 'OBJECT' THEN json_transform(value, '{
            "event_id": "VARCHAR", "type": "VARCHAR", "order_id": "VARCHAR",
            "product_id": "VARCHAR", "quantity": "BIGINT", "version": "BIGINT"
        }') END AS j
    FROM (
        SELECT 'order.events' AS topic, partition, "offset", key, value, headers, committed FROM "kafka.order.events"
        UNION ALL
        SELECT 'order.routed', partition, "offset", key, value, headers, committed FROM "kafka.order.routed"
    )
    WHERE committed
)
