-- id: dead-letters-accounted
-- family: effect
-- guarantee: Every dead letter is an event that its consumer was to apply and has not applied.
-- patterns: all
-- summary: {count} of {judged} events are not accounted for: {detail}{others}
-- needs: family.letters
-- needs: family.expected
-- needs: family.effects
-- needs: family.lettered
-- That nothing is in neither place is for effect-exactly-once.
-- scope:
SELECT count(*) FROM "family.expected" WHERE consumer IN (SELECT consumer FROM "family.lettered")
-- counterexamples:
SELECT
    coalesce(letters.key, letters.event) AS key,
    concat(
        'the dead letter at ', letters.topic, '/', letters.partition, '/', letters."offset", ' of ', letters.consumer,
        CASE
            WHEN expected.event IS NULL THEN concat(' is of no event that it reads: ', coalesce(letters.event, 'it has no id'))
            ELSE concat(' is of event ', letters.event, ', which it has applied all the same')
        END
    ) AS detail,
    letters.event
FROM "family.letters" AS letters
LEFT JOIN (SELECT DISTINCT consumer, event FROM "family.expected") AS expected
    ON expected.consumer = letters.consumer AND expected.event = letters.event
WHERE expected.event IS NULL OR EXISTS (
    FROM "family.effects" AS effects
    WHERE effects.consumer = letters.consumer AND effects.event = letters.event
)
