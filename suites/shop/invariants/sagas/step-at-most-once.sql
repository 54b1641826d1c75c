-- id: step-at-most-once
-- family: effect
-- guarantee: No step of a saga is done or undone twice, and none is done once it was undone or fenced off.
-- patterns: all
-- summary: {count} of {judged} sagas did a step too often: {detail}{others}
-- needs: step_effects
-- needs: notes
-- scope:
SELECT count(DISTINCT order_id) FROM notes
-- counterexamples:
WITH repeated AS (
    SELECT order_id, step, what, count(*) AS times
    FROM step_effects
    GROUP BY ALL
    HAVING count(*) > 1
),
closed AS (
    SELECT order_id, step, min(applied_at) AS closed_at, arg_min(change, applied_at) AS change
    FROM notes
    WHERE change IN ('undone', 'fenced')
    GROUP BY ALL
)
SELECT
    order_id AS key,
    concat('the ', step, ' of order ', order_id, ' was ', what, ' ', times, ' times') AS detail,
    step
FROM repeated
UNION ALL
SELECT
    closed.order_id,
    concat('the ', closed.step, ' of order ', closed.order_id, ' was done after it was ', closed.change),
    closed.step
FROM closed
JOIN notes AS later USING (order_id, step)
WHERE later.change IN ('done', 'undone') AND later.applied_at > closed.closed_at
GROUP BY ALL
ORDER BY key, step
