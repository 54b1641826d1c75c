-- id: saga-terminal
-- family: saga
-- guarantee: At rest, every saga has come to an end.
-- patterns: all
-- summary: {count} of {judged} sagas came to no end: {detail}{others}
-- needs: family.sagas
-- scope:
SELECT count(*) FROM "family.sagas"
-- counterexamples:
SELECT
    key,
    concat(saga, ' ', key, ' is still ', coalesce(state, 'without a state')) AS detail,
    true AS pending,
    state
FROM "family.sagas"
WHERE NOT coalesce(is_terminal, false)
