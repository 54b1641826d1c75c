-- table: family.sagas
-- Each saga in the state that it came to: the one that is there, or the last that the log tells.
-- needs: family.states
-- rows:
SELECT
    saga,
    key,
    any_value(has_steps) AS has_steps,
    max_by(state, coalesce(place, 9223372036854775807)) AS state,
    max_by(is_terminal, coalesce(place, 9223372036854775807)) AS is_terminal,
    max_by(is_completed, coalesce(place, 9223372036854775807)) AS is_completed,
    max(moment) AS moment
FROM "family.states"
GROUP BY saga, key
