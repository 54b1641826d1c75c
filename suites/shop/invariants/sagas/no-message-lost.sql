-- id: no-message-lost
-- family: loss
-- guarantee: Every message that any service committed to its outbox has its record in a topic.
-- patterns: all
-- summary: {pattern} lost messages of {count} of {judged} orders: {detail}{others}
-- needs: told
-- needs: messages
-- scope:
SELECT count(DISTINCT order_id) FROM told
-- counterexamples:
SELECT
    told.order_id AS key,
    concat(told.type, ' of order ', told.order_id, ' was committed in ', told.node, ' and no record of it is in any topic') AS detail,
    true AS pending,
    told.event_id
FROM told
ANTI JOIN messages ON messages.event_id = told.event_id
ORDER BY told.order_id, told.type
