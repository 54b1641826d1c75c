-- id: steady-state-returns
-- family: liveness
-- guarantee: After the last fault is healed, every probe of the steady state holds again.
-- patterns: all
-- summary: {pattern} did not come back to its steady state after {fault}: {detail}{others}
-- needs: steady
-- needs: scenario
-- What did not hold before the first fault has disturbed nothing, and leaves the scenario undecided.
-- scope:
SELECT count(*) FROM steady WHERE "when" = 'after'
-- counterexamples:
SELECT
    probe AS key,
    concat(probe, ': ', value, ', wanted ', wanted, ', for ', round(waited_s, 1), ' s after everything was healed') AS detail,
    value
FROM steady
WHERE "when" = 'after' AND NOT holds AND (SELECT collected FROM scenario)
