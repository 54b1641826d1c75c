-- table: family.arrived
-- Each record under every name by which what it tells of may be known: its event's id, its key
-- and version, and its key and the how-many-th event of that key it is. Deliveries again count once.
-- needs: family.records
-- rows:
WITH firsts AS (
    SELECT
        topic, partition, "offset", key, event, version,
        min("offset") OVER (PARTITION BY topic, partition, key, coalesce(event, "offset"::VARCHAR)) AS first
    FROM "family.records"
),
numbered AS (
    SELECT *, dense_rank() OVER (PARTITION BY topic, key ORDER BY partition, first) AS n
    FROM firsts
)
SELECT topic, partition, "offset", key, event, 'event' AS matched, coalesce(event, 'NULL') AS who, 0::BIGINT AS n
FROM numbered
UNION ALL
SELECT topic, partition, "offset", key, event, 'version', coalesce(key, 'NULL'), version
FROM numbered
WHERE version IS NOT NULL
UNION ALL
SELECT topic, partition, "offset", key, event, 'count', coalesce(key, 'NULL'), n
FROM numbered
