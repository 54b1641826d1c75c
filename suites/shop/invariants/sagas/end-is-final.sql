-- id: end-is-final
-- family: terminal
-- guarantee: A saga ends once, and nothing is done or undone for it afterwards.
-- patterns: all
-- summary: {count} of {judged} sagas went on after their end: {detail}{others}
-- needs: db.order-db.order_changes
-- needs: step_effects
-- needs: notes
-- The end is when the order's last transaction began, an effect when it was written: one machine's clock.
-- scope:
SELECT count(DISTINCT order_id) FROM "db.order-db.order_changes"
-- counterexamples:
WITH ends AS (
    SELECT order_id, min(applied_at) AS ended_at, arg_min(status, version) AS status, min(version) AS version
    FROM "db.order-db.order_changes"
    WHERE status IN ('completed', 'rejected', 'cancelled')
    GROUP BY order_id
),
steps AS (
    SELECT order_id, step, what, applied_at FROM step_effects
    UNION
    SELECT order_id, step, change, applied_at FROM notes
)
SELECT
    ends.order_id AS key,
    concat('the ', step, ' of order ', ends.order_id, ' was ', what, ' after the order was ', ends.status) AS detail
FROM ends
JOIN steps USING (order_id)
WHERE steps.applied_at > ends.ended_at
UNION
SELECT ends.order_id, concat('order ', ends.order_id, ' was ', ends.status, ' and then ', later.status)
FROM ends
JOIN "db.order-db.order_changes" AS later USING (order_id)
WHERE later.version > ends.version
ORDER BY key, detail
