-- id: terminal-is-final
-- family: terminal
-- guarantee: What has come to an end stays as it is, and nothing is done for it any more.
-- patterns: all
-- summary: {count} of {judged} went on after their end: {detail}{others}
-- needs: family.states
-- needs: family.sagas
-- needs: family.steps? (saga VARCHAR, step VARCHAR, key VARCHAR, last_at TIMESTAMPTZ)
-- The log of the server has every state. Steps count where they and the saga have a moment.
-- scope:
SELECT count(*) FROM "family.sagas" WHERE is_terminal OR key IN (SELECT key FROM "family.states" WHERE is_terminal)
-- counterexamples:
WITH states AS (
    SELECT *, lag(state) OVER one AS before, lag(is_terminal) OVER one AS was_terminal
    FROM "family.states"
    WINDOW one AS (PARTITION BY saga, key ORDER BY place NULLS LAST)
)
SELECT
    key,
    concat(saga, ' ', key, ' went from ', before, ' to ', coalesce(state, 'no state')) AS detail
FROM states
WHERE was_terminal AND state IS DISTINCT FROM before
UNION ALL
SELECT
    sagas.key,
    concat(step, ' was done for ', sagas.saga, ' ', sagas.key, ' after it was ', state)
FROM "family.sagas" AS sagas
JOIN "family.steps" AS steps ON steps.saga = sagas.saga AND steps.key = sagas.key
WHERE sagas.is_terminal AND steps.last_at > sagas.moment
