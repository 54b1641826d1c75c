-- id: no-effect-of-the-aborted
-- family: phantom
-- guarantee: No consumer acts on an event before it was committed: what was aborted has no effect.
-- patterns: all
-- summary: {count} of {judged} orders had an effect of what was aborted: {detail}{others}
-- needs: kafka.order.routed
-- needs: effects
-- An aborted record is written again under the same event id, so an effect of it is told by being
-- older than the first committed record. Producers stamp records before they commit, and an effect
-- has the time at which its transaction began, by one clock.
-- scope:
SELECT count(DISTINCT order_id) FROM effects
-- counterexamples:
WITH records AS (
    SELECT
        json_extract_string(headers, '$.event_id') AS event_id,
        min(timestamp) FILTER (WHERE committed) AS committed_at,
        arg_min(concat(partition, '/', "offset"), timestamp) FILTER (WHERE NOT committed) AS aborted
    FROM "kafka.order.routed"
    WHERE json_valid(headers)
    GROUP BY ALL
)
SELECT
    effects.order_id AS key,
    concat(
        effects.consumer, ' applied version ', effects.version, ' of order ', effects.order_id,
        CASE
            WHEN records.committed_at IS NULL THEN ', which was never committed'
            ELSE concat(
                ' ', round((epoch(records.committed_at) - epoch(effects.applied_at)) * 1000)::BIGINT,
                ' ms before it was written to be committed'
            )
        END,
        '; aborted was the record at ' || records.aborted
    ) AS detail,
    effects.consumer,
    effects.event_id
FROM effects
JOIN records USING (event_id)
WHERE records.committed_at IS NULL OR effects.applied_at < records.committed_at
ORDER BY effects.consumer, effects.version
