-- table: payments
-- Every record of payment.events that a read_committed consumer sees, its value taken apart once.
-- What is no JSON object of the right types has nulls.
-- needs: kafka.payment.events
-- rows:
SELECT
    partition,
    "offset",
    key,
    headers,
    j.event_id AS event_id,
    j.type AS type,
    j.order_id AS order_id,
    j.version AS version,
    j.cents AS cents
FROM (
    SELECT
        partition,
        "offset",
        key,
        headers,
        CASE WHEN json_valid(value) AND json_type(value) = 'OBJECT' THEN json_transform(value, '{
            "event_id": "VARCHAR", "type": "VARCHAR", "order_id": "VARCHAR",
            "version": "BIGINT", "cents": "BIGINT"
        }') END AS j
    FROM "kafka.payment.events"
    WHERE committed
)
