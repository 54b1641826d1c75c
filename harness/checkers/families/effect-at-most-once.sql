-- id: effect-at-most-once
-- family: effect
-- guarantee: No consumer applies an event twice.
-- patterns: all
-- summary: {count} of {judged} effects were done more than once: {detail}{others}
-- needs: family.effects
-- For ledgers of which no topic says what must be in them.
-- scope:
SELECT count(*) FROM "family.effects" WHERE NOT has_topics
-- counterexamples:
SELECT
    coalesce(any_value(key), any_value(event)) AS key,
    concat(
        consumer, ' applied ', coalesce('event ' || event, concat('version ', any_value(version), ' of ', any_value(key))),
        ' ', count(*), ' times (', ledger, ')'
    ) AS detail,
    consumer,
    count(*) AS times,
    event
FROM "family.effects"
WHERE NOT has_topics AND (has_event OR (key IS NOT NULL AND version IS NOT NULL))
GROUP BY consumer, ledger, event, CASE WHEN has_event THEN NULL ELSE (key, version) END
HAVING count(*) > 1 AND (event IS NOT NULL OR NOT bool_and(has_event))
