-- id: payments-told
-- family: loss
-- guarantee: Every movement of money has its record in payment.events, with its amount, and no record tells of another one.
-- patterns: polyglot
-- summary: {pattern} did not tell the payments of {count} of {judged} orders as they are: {detail}{others}
-- needs: db.payment-db.payment_movements
-- needs: payments
-- The same record twice is legal: the relay publishes at least once.
-- scope:
SELECT count(*) FROM (
    SELECT order_id FROM "db.payment-db.payment_movements"
    UNION
    SELECT coalesce(order_id, key) FROM payments
)
-- counterexamples:
WITH moved AS (
    SELECT order_id, version::BIGINT AS version, cents::BIGINT AS cents
    FROM "db.payment-db.payment_movements"
),
told AS (
    SELECT DISTINCT
        coalesce(order_id, key) AS order_id,
        version,
        cents,
        key IS NOT DISTINCT FROM order_id
            AND json_extract_string(headers, '$.event_id') IS NOT DISTINCT FROM event_id
            AND type IS NOT DISTINCT FROM (CASE WHEN cents < 0 THEN 'payment-refunded' ELSE 'payment-charged' END) AS intact
    FROM payments
)
SELECT
    moved.order_id AS key,
    concat(moved.cents, ' cents were moved for version ', moved.version, ' of order ', moved.order_id, ' and no record says so') AS detail,
    true AS pending
FROM moved
ANTI JOIN told ON (told.order_id, told.version, told.cents) = (moved.order_id, moved.version, moved.cents)
UNION ALL
SELECT
    told.order_id,
    concat(
        'a record tells of ', coalesce(told.cents::VARCHAR, 'no'), ' cents for version ',
        coalesce(told.version::VARCHAR, 'none'), ' of order ', told.order_id, ', which were not moved'
    ),
    false
FROM told
ANTI JOIN moved ON (told.order_id, told.version, told.cents) = (moved.order_id, moved.version, moved.cents)
UNION ALL
SELECT order_id, concat('a record of order ', order_id, ' has another key, header or type than its payment'), false
FROM told
WHERE NOT intact
