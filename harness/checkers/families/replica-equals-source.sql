-- id: replica-equals-source
-- family: convergence
-- guarantee: At rest, every copy has the rows of its source, and the same in each.
-- patterns: all
-- summary: {count} of {judged} rows differ between a copy and its source: {detail}{others}
-- needs: family.pairs
-- scope:
SELECT count(*) FROM (SELECT DISTINCT copy, source, key FROM "family.pairs")
-- counterexamples:
SELECT
    coalesce(key, 'NULL') AS key,
    concat(coalesce(key, 'NULL'), ' in ', copy, ' (a copy of ', source, ') ', wrong) AS detail,
    true AS pending
FROM "family.pairs"
WHERE wrong IS NOT NULL
