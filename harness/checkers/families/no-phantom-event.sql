-- id: no-phantom-event
-- family: phantom
-- guarantee: Every record tells of an event, or of a change, that was committed.
-- patterns: all
-- summary: {pattern} published {count} of {judged} events that were never committed: {detail}{others}
-- needs: family.told
-- needs: family.arrived
-- needs: family.tellers
-- A topic is judged where all that is written to it is known: where an outbox may delete rows and
-- no log of its server tells which, nothing is.
-- scope:
SELECT count(DISTINCT (topic, coalesce(event, key)))
FROM "family.arrived"
WHERE topic IN (SELECT topic FROM "family.tellers" GROUP BY topic HAVING bool_and(complete))
-- counterexamples:
WITH told AS (SELECT matched, who, n, unnest(topics) AS topic FROM "family.told"),
records AS (
    SELECT arrived.topic, partition, "offset", arrived.key, event, bool_or(told.who IS NOT NULL) AS is_known
    FROM "family.arrived" AS arrived
    LEFT JOIN told
        ON told.topic = arrived.topic AND told.matched = arrived.matched
        AND told.who = arrived.who AND told.n = arrived.n
    GROUP BY ALL
)
SELECT
    coalesce(key, event) AS key,
    concat(
        'the record at ', topic, '/', partition, '/', "offset", ' tells of ', coalesce('event ' || event, 'something'),
        ' of key ' || key, ', and no such change was committed'
    ) AS detail,
    event,
    partition,
    "offset"
FROM records
WHERE
    NOT is_known
    AND topic IN (SELECT topic FROM "family.tellers" GROUP BY topic HAVING bool_and(complete))
ORDER BY topic, partition, "offset"
