-- id: retries-bounded
-- family: bounded
-- guarantee: Nothing is tried, or published, more often than it may be.
-- patterns: all
-- summary: {count} of {judged} were tried too often: {detail}{others}
-- needs: family.retries? (says VARCHAR, at_most BIGINT, key VARCHAR, attempts BIGINT)
-- needs: family.records? (topic VARCHAR, at_most BIGINT, key VARCHAR, event VARCHAR)
-- scope:
SELECT
    (SELECT count(*) FROM "family.retries")
    + (SELECT count(DISTINCT (topic, event)) FROM "family.records" WHERE at_most IS NOT NULL)
-- counterexamples:
SELECT key, concat(says, ' came to ', attempts, ' for ', key, ', and ', at_most, ' is the most') AS detail
FROM "family.retries"
WHERE attempts > at_most
UNION ALL
SELECT
    coalesce(any_value(key), event),
    concat('event ', event, ' has ', count(*), ' records in ', topic, ', and ', any_value(at_most), ' is the most')
FROM "family.records"
WHERE at_most IS NOT NULL
GROUP BY topic, event
HAVING count(*) > any_value(at_most)
