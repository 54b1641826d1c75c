-- id: effect-exactly-once
-- family: effect
-- guarantee: Each consumer applies each change of an order exactly once, however often its event is delivered.
-- patterns: all
-- summary: {count} of {judged} orders did not have each effect exactly once: {detail}{others}
-- needs: events
-- needs: effects
-- A record twice in the topic is legal; its effect twice is not. Changes are told apart by order
-- and version, so that a second event for the same change doubles no effect unseen either.
-- scope:
SELECT count(DISTINCT order_id) FROM events WHERE order_id IS NOT NULL
-- counterexamples:
WITH expected AS (
    SELECT consumer, order_id, version
    FROM (SELECT DISTINCT order_id, version FROM events WHERE order_id IS NOT NULL)
    CROSS JOIN (VALUES ('inventory'), ('payment'), ('shipping'), ('review'), ('notification')) AS consumers (consumer)
),
applied AS (
    SELECT consumer, order_id, version, count(*) AS times, list(event_id ORDER BY event_id) AS event_ids
    FROM effects
    GROUP BY ALL
)
SELECT
    order_id AS key,
    consumer,
    concat(
        consumer,
        CASE WHEN applied.times IS NULL THEN ' never' ELSE '' END,
        ' applied version ', version, ' of order ', order_id,
        CASE
            WHEN applied.times > 1 THEN concat(' ', applied.times, ' times')
            WHEN expected.order_id IS NULL THEN ', whose event is in no topic'
            ELSE ''
        END
    ) AS detail,
    coalesce(applied.times, 0) <= 1 AS pending,
    version,
    coalesce(applied.times, 0) AS times,
    applied.event_ids
FROM expected
FULL JOIN applied USING (consumer, order_id, version)
WHERE expected.order_id IS NULL OR applied.times IS NULL OR applied.times > 1
ORDER BY consumer, version
