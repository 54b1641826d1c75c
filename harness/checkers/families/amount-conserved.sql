-- id: amount-conserved
-- family: conservation
-- guarantee: What is moved about stays the same amount in all, and nothing falls below what it may.
-- patterns: all
-- summary: {count} of {judged} amounts do not add up: {detail}{others}
-- needs: family.sums
-- needs: family.least? (name VARCHAR, says VARCHAR, least DECIMAL(38, 6), key VARCHAR, amount DECIMAL(38, 6))
-- What is in the tables of one server alone adds up at any time, what is in several only at rest.
-- scope:
SELECT count(*) FROM (SELECT DISTINCT name, key FROM "family.sums")
-- counterexamples:
WITH whole AS (
    SELECT
        name, key, any_value(total) AS total, sum(amount) AS amount, count(DISTINCT node) > 1 AS pending,
        string_agg(concat(amount::DOUBLE, ' ', says), ', ' ORDER BY part) AS parts
    FROM "family.sums"
    GROUP BY name, key
)
SELECT
    coalesce(key, 'NULL') AS key,
    concat(
        name, CASE WHEN key <> name THEN ' of ' || key ELSE '' END, ' makes ', amount::DOUBLE,
        ' instead of ', total::DOUBLE, ': ', parts
    ) AS detail,
    pending
FROM whole
WHERE amount <> total
UNION ALL
SELECT key, concat(name, ': ', says, ' fell to ', amount::DOUBLE, ' for ', key, ', and ', least::DOUBLE, ' is the least'), false
FROM "family.least"
WHERE amount < least
