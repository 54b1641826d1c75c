-- table: events
-- Every record that was routed, as a read_committed consumer sees it, its value taken apart once.
-- What is no JSON object of the right types has nulls.
-- needs: kafka.order.routed
-- rows:
SELECT
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
        partition,
        "offset",
        key,
        headers,
        CASE WHEN json_valid(value) AND json_type(value) = 'OBJECT' THEN json_transform(value, '{
            "event_id": "VARCHAR", "type": "VARCHAR", "order_id": "VARCHAR",
            "product_id": "VARCHAR", "quantity": "BIGINT", "version": "BIGINT"
        }') END AS j
    FROM "kafka.order.routed"
    WHERE committed
)
