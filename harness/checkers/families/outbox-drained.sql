-- id: outbox-drained
-- family: outbox
-- guarantee: At rest, every row of an outbox was published, and none was marked sent before it was.
-- patterns: all
-- summary: {count} of {judged} events have an outbox row that was not published: {detail}{others}
-- needs: family.told
-- needs: family.arrived
-- needs: family.tellers
-- Published rows may be gone, so that records count as judged, too. Without a column that is set
-- when a row was sent, only the topic tells.
-- scope:
SELECT count(*) FROM (
    SELECT who FROM "family.told" WHERE is_outbox
    UNION
    SELECT arrived.who FROM "family.arrived" AS arrived JOIN "family.tellers" USING (topic)
    WHERE arrived.matched = 'event' AND is_outbox
)
-- counterexamples:
WITH published AS (SELECT DISTINCT topic, who FROM "family.arrived" WHERE matched = 'event'),
seen AS (
    SELECT told.*, EXISTS (
        FROM published WHERE published.who = told.who AND list_contains(told.topics, published.topic)
    ) AS is_published
    FROM "family.told" AS told
    WHERE is_outbox AND is_there
)
SELECT
    coalesce(key, who) AS key,
    concat(
        'the row of event ', who, ' of key ' || key, ' in ', source,
        CASE
            WHEN is_published THEN ' was published and is not marked sent'
            WHEN is_marked THEN ' is marked sent and its event is in no topic'
            ELSE ' is still waiting: its event is in no topic'
        END
    ) AS detail,
    true AS pending,
    who AS event
FROM seen
WHERE NOT is_published OR (is_to_be_marked AND NOT is_marked)
