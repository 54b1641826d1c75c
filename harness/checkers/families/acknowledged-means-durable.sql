-- id: acknowledged-means-durable
-- family: durability
-- guarantee: What a client was told is done is in the database, and what it was refused is not.
-- patterns: all
-- summary: {count} of {judged} answers do not agree with the database: {detail}{others}
-- needs: family.acknowledged
-- scope:
SELECT count(*) FROM "family.acknowledged"
-- counterexamples:
SELECT
    key,
    concat(f, ' of ', key, ' was ', CASE WHEN promised THEN 'acknowledged' ELSE 'refused' END, ' and ', wrong, ' in ', "table") AS detail
FROM "family.acknowledged"
WHERE wrong IS NOT NULL
