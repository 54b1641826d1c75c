-- id: effect-exactly-once
-- family: effect
-- guarantee: Each consumer applies each event exactly once, however often it is delivered.
-- patterns: all
-- summary: {count} of {judged} effects were not done exactly once: {detail}{others}
-- needs: family.expected
-- needs: family.effects
-- needs: family.letters? (consumer VARCHAR, topic VARCHAR, event VARCHAR)
-- A record twice in the topic is legal; its effect twice is not, even if it was undone later: the
-- log of the server has both. Effects are held against events by the event's id, by key and
-- version, or, where a ledger has neither, by their number for each key. What is among the dead
-- letters need not be applied.
-- scope:
SELECT count(*) FROM "family.expected"
-- counterexamples:
WITH expected AS (
    SELECT consumer, ledger, 'event' AS matched, event AS who, 0::BIGINT AS n, key, event, version
    FROM "family.expected" WHERE has_event
    UNION ALL
    SELECT consumer, ledger, 'version', key, version, key, event, version
    FROM "family.expected" WHERE has_version AND version IS NOT NULL
    UNION ALL
    SELECT
        consumer, ledger, 'count', key,
        row_number() OVER (PARTITION BY consumer, ledger, key ORDER BY version, event), key, event, version
    FROM "family.expected" WHERE NOT has_event AND NOT has_version
),
done AS (
    SELECT consumer, ledger, 'event' AS matched, event AS who, 0::BIGINT AS n, key, event, version
    FROM "family.effects" WHERE has_topics AND has_event AND event IS NOT NULL
    UNION ALL
    SELECT consumer, ledger, 'version', key, version, key, event, version
    FROM "family.effects" WHERE has_topics AND has_version AND key IS NOT NULL AND version IS NOT NULL
    UNION ALL
    SELECT
        consumer, ledger, 'count', key,
        row_number() OVER (PARTITION BY consumer, ledger, key ORDER BY place), key, event, version
    FROM "family.effects" WHERE has_topics AND NOT has_event AND NOT has_version AND key IS NOT NULL
),
compared AS (
    SELECT
        consumer, ledger, matched, who, n,
        coalesce(any_value(wanted.key), any_value(applied.key), any_value(who)) AS key,
        coalesce(any_value(wanted.event), any_value(applied.event)) AS event,
        count(DISTINCT wanted.event) AS events,
        any_value(applied.times) AS times
    FROM expected AS wanted
    FULL JOIN (
        SELECT
            consumer, ledger, matched, who, n,
            any_value(key) AS key, any_value(event) AS event, count(*) AS times
        FROM done
        GROUP BY ALL
    ) AS applied USING (consumer, ledger, matched, who, n)
    GROUP BY consumer, ledger, matched, who, n
)
SELECT
    key,
    concat(
        consumer,
        CASE WHEN times IS NULL THEN ' never' ELSE '' END,
        ' applied ',
        CASE matched
            WHEN 'event' THEN concat('event ', who, CASE WHEN key <> who THEN ' of key ' || key ELSE '' END)
            WHEN 'version' THEN concat('version ', n, ' of ', who)
            ELSE concat('event number ', n, ' of ', who)
        END,
        CASE
            WHEN times > 1 THEN concat(' ', times, ' times')
            WHEN events = 0 AND matched = 'count' THEN ', which has not so many'
            WHEN events = 0 THEN ', which is in no topic'
            ELSE ''
        END,
        ' (', ledger, ')'
    ) AS detail,
    coalesce(times, 0) <= 1 AS pending,
    consumer,
    coalesce(times, 0) AS times,
    event
FROM compared
WHERE
    times > 1 OR events = 0
    OR (times IS NULL AND NOT EXISTS (
        FROM "family.letters" AS letters
        WHERE letters.consumer = compared.consumer AND letters.event = compared.event
    ))
ORDER BY consumer, matched, n
