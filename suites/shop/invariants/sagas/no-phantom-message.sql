-- id: no-phantom-message
-- family: phantom
-- guarantee: Every record of the sagas' topics was committed to an outbox, with the same order and type.
-- patterns: all
-- summary: {pattern} published {count} of {judged} orders' messages that nobody committed: {detail}{others}
-- needs: told
-- needs: messages
-- scope:
SELECT count(DISTINCT coalesce(order_id, key)) FROM messages
-- counterexamples:
SELECT
    coalesce(messages.order_id, messages.key) AS key,
    concat(
        'the record at ', topic, ' ', partition, '/', "offset", ' says ', coalesce(messages.type, 'nothing'),
        CASE WHEN told.event_id IS NULL THEN ', which nobody committed' ELSE ', which is not what was committed' END
    ) AS detail
FROM messages
LEFT JOIN told ON told.event_id = messages.event_id
WHERE told.event_id IS NULL
    OR (messages.key, messages.order_id, messages.type) IS DISTINCT FROM (told.order_id, told.order_id, told.type)
ORDER BY topic, partition, "offset"
