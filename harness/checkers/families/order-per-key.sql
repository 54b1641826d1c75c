-- id: order-per-key
-- family: order
-- guarantee: The events of a key stand in one partition, and are applied, in the order of their versions.
-- patterns: all
-- summary: {count} of {judged} keys are out of order: {detail}{others}
-- needs: family.records? (topic VARCHAR, partition INTEGER, "offset" BIGINT, key VARCHAR, event VARCHAR, version BIGINT)
-- needs: family.told? (matched VARCHAR, who VARCHAR, version BIGINT)
-- needs: family.effects? (consumer VARCHAR, ledger VARCHAR, key VARCHAR, version BIGINT, place BIGINT)
-- An event that was delivered before may come again at any time; only its first record counts. The
-- order is that of versions, never that of positions in a server's log, where transactions overlap.
-- scope:
SELECT count(DISTINCT key) FROM (
    SELECT key FROM "family.records"
    UNION ALL
    SELECT key FROM "family.effects" WHERE version IS NOT NULL
)
-- counterexamples:
WITH records AS (
    SELECT
        records.topic, records.partition, records."offset", records.key, records.event,
        coalesce(records.version, told.version) AS version
    FROM "family.records" AS records
    LEFT JOIN (
        SELECT DISTINCT who, version FROM "family.told" WHERE matched = 'event' AND version IS NOT NULL
    ) AS told ON told.who = records.event
),
firsts AS (
    SELECT topic, partition, key, version, min("offset") AS "offset"
    FROM records
    WHERE key IS NOT NULL AND version IS NOT NULL
    GROUP BY topic, partition, key, version, event
),
in_topic AS (
    SELECT *, max(version) OVER (
        PARTITION BY topic, partition, key ORDER BY "offset"
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS before
    FROM firsts
),
in_ledger AS (
    SELECT *, max(version) OVER (
        PARTITION BY consumer, ledger, key ORDER BY place
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS before
    FROM "family.effects"
    WHERE key IS NOT NULL AND version IS NOT NULL AND place IS NOT NULL
)
SELECT
    key,
    concat(
        'version ', version, ' of ', key, ' stands at ', topic, '/', partition, '/', "offset",
        ', after version ', before
    ) AS detail
FROM in_topic
WHERE version < before
UNION ALL
SELECT
    key,
    concat(consumer, ' applied version ', version, ' of ', key, ' after version ', before, ' (', ledger, ')')
FROM in_ledger
WHERE version < before
UNION ALL
SELECT
    key,
    concat(key, ' has records in partitions ', string_agg(DISTINCT partition::VARCHAR, ', ' ORDER BY partition::VARCHAR), ' of ', topic)
FROM "family.records"
WHERE key IS NOT NULL
GROUP BY topic, key
HAVING count(DISTINCT partition) > 1
