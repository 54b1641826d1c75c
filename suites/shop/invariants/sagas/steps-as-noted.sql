-- id: steps-as-noted
-- family: saga
-- guarantee: What a participant noted of a step is what its ledger says that it did.
-- patterns: all
-- summary: {count} of {judged} sagas have a step that is not as noted: {detail}{others}
-- needs: step_effects
-- needs: notes
-- Note and effect are one transaction's, so this holds always.
-- scope:
SELECT count(DISTINCT order_id) FROM notes
-- counterexamples:
WITH noted AS (
    SELECT order_id, step, change AS what, count(*) AS times
    FROM notes
    WHERE change IN ('done', 'undone')
    GROUP BY ALL
),
happened AS (
    SELECT order_id, step, what, count(*) AS times
    FROM step_effects
    GROUP BY ALL
)
SELECT
    order_id AS key,
    concat(
        'the ', step, ' of order ', order_id, ' was noted as ', what, ' ', coalesce(noted.times, 0),
        ' times and was ', what, ' ', coalesce(happened.times, 0), ' times'
    ) AS detail,
    step
FROM noted
FULL JOIN happened USING (order_id, step, what)
WHERE noted.times IS DISTINCT FROM happened.times
ORDER BY key, step
