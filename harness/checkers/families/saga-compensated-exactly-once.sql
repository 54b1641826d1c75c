-- id: saga-compensated-exactly-once
-- family: saga
-- guarantee: Each step of a saga that completed was done once and stays done; of any other it was undone exactly once, if it was done.
-- patterns: all
-- summary: {count} of {judged} sagas were left in between: {detail}{others}
-- needs: family.sagas
-- needs: family.steps
-- needs: family.plans
-- Rows of the steps' ledgers are counted, deleted ones included as far as the servers' logs tell.
-- scope:
SELECT count(*) FROM "family.sagas" WHERE has_steps
-- counterexamples:
WITH every AS (
    SELECT plans.saga, plans.step, plans.can_be_undone, sagas.key, sagas.state, sagas.is_terminal, sagas.is_completed
    FROM "family.plans" AS plans
    JOIN "family.sagas" AS sagas USING (saga)
),
seen AS (
    SELECT
        saga, step, key, state,
        coalesce(every.can_be_undone, steps.can_be_undone) AS can_be_undone,
        every.key IS NOT NULL AS is_saga,
        coalesce(every.is_terminal, false) AS is_terminal,
        coalesce(every.is_completed, false) AS is_completed,
        coalesce(steps.done, 0) AS done,
        coalesce(steps.undone, 0) AS undone
    FROM every
    FULL JOIN "family.steps" AS steps USING (saga, step, key)
),
judged AS (
    SELECT *, CASE
        WHEN done > 1 THEN concat('was done ', done, ' times')
        WHEN undone > 1 THEN concat('was undone ', undone, ' times')
        WHEN undone > done THEN 'was undone and never done'
        WHEN NOT is_saga THEN 'was done and there is no such saga'
        WHEN is_completed AND undone > 0 THEN 'was undone'
        WHEN is_completed AND done = 0 THEN 'was never done'
        WHEN is_terminal AND NOT is_completed AND done > undone AND NOT can_be_undone
            THEN 'was done and cannot be undone'
        WHEN is_terminal AND NOT is_completed AND done > undone THEN 'was done and not undone'
    END AS wrong
    FROM seen
    WHERE is_saga OR done > 0 OR undone > 0
)
SELECT
    key,
    concat(step, ' of ', saga, ' ', key, ', which is ' || state || ',', ' ', wrong) AS detail,
    done <= 1 AND undone <= 1 AS pending,
    step,
    done,
    undone,
    state
FROM judged
WHERE wrong IS NOT NULL
ORDER BY saga, key, step
