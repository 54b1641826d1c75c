-- id: outbox-drained
-- family: outbox
-- guarantee: At rest, every row of the outbox was published, and none was marked sent before it was.
-- patterns: all
-- summary: {count} of {judged} orders have an outbox row that was not published: {detail}{others}
-- needs: db.order-db.orders
-- needs: db.order-db.outbox
-- needs: events
-- needs: scenario
-- The relay deletes what it has sent, so the scope is the orders: each went through the outbox.
-- Under outbox-cdc nothing marks a row as sent: `sent_at` stays null and only the topic tells.
-- scope:
SELECT count(*) FROM (
    SELECT order_id FROM "db.order-db.orders"
    UNION
    SELECT aggregateid FROM "db.order-db.outbox"
)
-- counterexamples:
SELECT
    outbox.aggregateid AS key,
    concat(
        'the outbox row of order ', outbox.aggregateid, ' (', outbox.type, ') ',
        CASE
            WHEN outbox.sent_at IS NOT NULL THEN 'is marked sent and its event is in no topic'
            WHEN events.event_id IS NULL THEN 'is still waiting: its event is in no topic'
            ELSE 'was published and is not marked sent'
        END
    ) AS detail,
    true AS pending,
    outbox.id::VARCHAR AS event_id,
    outbox.sent_at
FROM "db.order-db.outbox" AS outbox
CROSS JOIN scenario
LEFT JOIN (SELECT DISTINCT event_id FROM events) AS events ON events.event_id = outbox.id::VARCHAR
WHERE events.event_id IS NULL OR (scenario.pattern <> 'outbox-cdc' AND outbox.sent_at IS NULL)
ORDER BY outbox.seq
