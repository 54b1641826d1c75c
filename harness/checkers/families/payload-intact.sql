-- id: payload-intact
-- family: payload
-- guarantee: Every record carries what its row in the outbox says, under that row's key.
-- patterns: all
-- summary: {count} of {judged} events have a record that differs from their row: {detail}{others}
-- needs: family.told
-- needs: family.records
-- Compared as JSON, so that spaces and the order of fields don't matter, and only for outboxes that
-- declare their key or payload. A record without a row is for no-phantom-event.
-- scope:
SELECT count(DISTINCT records.event)
FROM "family.records" AS records
JOIN "family.told" AS told
    ON told.matched = 'event' AND told.who = records.event AND list_contains(told.topics, records.topic)
WHERE has_key OR has_payload
-- counterexamples:
WITH compared AS (
    SELECT
        records.*,
        told.key AS row_key,
        told.payload,
        has_key AND records.key IS DISTINCT FROM told.key AS other_key,
        has_payload AND CASE
            WHEN json_valid(records.value) AND json_valid(told.payload)
                THEN (
                    SELECT list((fullkey, type, atom) ORDER BY fullkey) FROM json_tree(records.value)
                ) = (
                    SELECT list((fullkey, type, atom) ORDER BY fullkey) FROM json_tree(told.payload)
                )
            ELSE records.value IS NOT DISTINCT FROM told.payload
        END IS NOT TRUE AS other_payload
    FROM "family.records" AS records
    JOIN "family.told" AS told
        ON told.matched = 'event' AND told.who = records.event AND list_contains(told.topics, records.topic)
)
SELECT
    coalesce(row_key, key, event) AS key,
    concat(
        'the record at ', topic, '/', partition, '/', "offset",
        CASE
            WHEN other_key THEN concat(' has the key ', coalesce(key, 'NULL'), ' instead of ', coalesce(row_key, 'NULL'))
            ELSE concat(' of event ', event, ' has another value than its row')
        END
    ) AS detail,
    event,
    value,
    payload
FROM compared
WHERE other_key OR other_payload
ORDER BY topic, partition, "offset"
