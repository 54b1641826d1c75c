-- id: payment-outbox-drained
-- family: outbox
-- guarantee: At rest, every movement of money has its row in payment's outbox, marked sent, and its event is in payment.events.
-- patterns: polyglot
-- summary: {count} of {judged} orders have a payment that did not leave the outbox: {detail}{others}
-- needs: db.payment-db.payment_movements
-- needs: db.payment-db.outbox
-- needs: payments
-- Movement and row are written in one transaction, and rows are kept. The built-in guarantee knows
-- nothing of movements, so that one which was never told would be none of its rows.
-- scope:
SELECT count(*) FROM (
    SELECT order_id FROM "db.payment-db.payment_movements"
    UNION
    SELECT aggregateid FROM "db.payment-db.outbox"
)
-- counterexamples:
WITH published AS (SELECT DISTINCT event_id FROM payments)
SELECT
    outbox.aggregateid AS key,
    concat(
        'the outbox row of order ', outbox.aggregateid, ' (', outbox.type, ') ',
        CASE
            WHEN outbox.sent_at IS NOT NULL THEN 'is marked sent and its event is in no topic'
            WHEN published.event_id IS NULL THEN 'is still waiting: its event is in no topic'
            ELSE 'was published and is not marked sent'
        END
    ) AS detail,
    true AS pending
FROM "db.payment-db.outbox" AS outbox
LEFT JOIN published ON published.event_id = outbox.id
WHERE published.event_id IS NULL OR outbox.sent_at IS NULL
UNION ALL
SELECT moved.order_id, concat('version ', moved.version, ' of order ', moved.order_id, ' has no outbox row'), false
FROM "db.payment-db.payment_movements" AS moved
ANTI JOIN "db.payment-db.outbox" AS outbox ON outbox.aggregateid = moved.order_id AND outbox.version = moved.version
