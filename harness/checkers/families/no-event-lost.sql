-- id: no-event-lost
-- family: loss
-- guarantee: Every committed event, or change of a table that is told by events, has a record in its topic.
-- patterns: all
-- summary: {pattern} lost {count} of {judged} events: {detail}{others}
-- needs: family.told
-- needs: family.arrived
-- Events are rows of outboxes, deleted ones included as far as the server's log tells; an outbox
-- that says in which topics they go is needed, or a table whose every change is told.
-- scope:
SELECT count(*) FROM "family.told" WHERE len(topics) > 0
-- counterexamples:
SELECT
    coalesce(told.key, told.who) AS key,
    concat(
        CASE
            WHEN told.is_outbox THEN concat('event ', told.who, ' of key ' || told.key)
            WHEN told.matched = 'version' THEN concat('version ', told.n, ' of ', told.who)
            ELSE concat('change ', told.n, ' of ', told.who)
        END,
        ' was committed in ', told.source, ' and has no record in ', array_to_string(told.topics, ', ')
    ) AS detail,
    true AS pending,
    told.source,
    told.n AS version
FROM "family.told" AS told
WHERE len(told.topics) > 0 AND NOT EXISTS (
    FROM "family.arrived" AS arrived
    WHERE
        arrived.matched = told.matched AND arrived.who = told.who AND arrived.n = told.n
        AND list_contains(told.topics, arrived.topic)
)
ORDER BY told.n
