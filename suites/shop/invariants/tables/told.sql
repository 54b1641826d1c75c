-- table: told
-- Every record of the topic that a read_committed consumer sees, as the change that it tells of.
-- What is no JSON object of the right types has nulls. Of a deleted row the record has the last
-- version; its going is the one after.
-- needs: kafka.order.table
-- rows:
SELECT
    partition,
    "offset",
    key,
    j IS NOT NULL AS readable,
    j.__op AS op,
    j.order_id AS order_id,
    j.version + coalesce(j.__op = 'd', false)::BIGINT AS version,
    coalesce(j.__op = 'd', false) AS erased,
    j.product_id AS product_id,
    j.quantity AS quantity,
    j.status AS status,
    TRY_CAST(CASE WHEN json_valid(headers) THEN headers->>'__txId' END AS BIGINT) AS xid
FROM (
    SELECT
        partition,
        "offset",
        key,
        headers,
        CASE WHEN json_valid(value) AND json_type(value) = 'OBJECT' THEN json_transform(value, '{
            "__op": "VARCHAR", "order_id": "VARCHAR", "version": "BIGINT",
            "product_id": "VARCHAR", "quantity": "BIGINT", "status": "VARCHAR"
        }') END AS j
    FROM "kafka.order.table"
    WHERE committed
)
