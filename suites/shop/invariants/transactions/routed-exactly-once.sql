-- id: routed-exactly-once
-- family: loss
-- guarantee: Each record of order.events has exactly one committed record in order.routed, with its key and value, and each of those has it.
-- patterns: all
-- summary: {count} of {judged} orders were not routed exactly once: {detail}{others}
-- needs: kafka.order.events
-- needs: kafka.order.routed
-- Told by the header `source`, partition and offset of the input. A record that the relay has
-- published twice is two inputs, and so two outputs.
-- scope:
SELECT count(DISTINCT key) FROM "kafka.order.events" WHERE committed
-- counterexamples:
WITH read AS (
    SELECT concat(partition, '/', "offset") AS source, key, value
    FROM "kafka.order.events"
    WHERE committed
),
written AS (
    SELECT
        CASE WHEN json_valid(headers) THEN json_extract_string(headers, '$.source') END AS source,
        key,
        value,
        concat(partition, '/', "offset") AS place
    FROM "kafka.order.routed"
    WHERE committed
),
outputs AS (
    SELECT
        source,
        count(*) AS times,
        list(place ORDER BY place) AS places,
        any_value(key) AS key,
        any_value(value) AS value
    FROM written
    GROUP BY source
)
SELECT
    coalesce(read.key, outputs.key) AS key,
    CASE
        WHEN outputs.times IS NULL
            THEN concat('the record at ', read.source, ' of order ', read.key, ' was not routed')
        WHEN read.source IS NULL
            THEN concat('the routed record at ', outputs.places[1], ' has no source')
        WHEN outputs.times > 1
            THEN concat(
                'the record at ', read.source, ' of order ', read.key, ' was routed ',
                outputs.times, ' times, to ', array_to_string(outputs.places, ', ')
            )
        ELSE concat('the record at ', read.source, ' was changed on its way to ', outputs.places[1])
    END AS detail,
    outputs.times IS NULL AS pending,
    read.source,
    coalesce(outputs.times, 0) AS times
FROM read
FULL JOIN outputs USING (source)
WHERE outputs.times IS DISTINCT FROM 1
    OR read.source IS NULL
    OR read.key IS DISTINCT FROM outputs.key
    OR read.value IS DISTINCT FROM outputs.value
ORDER BY read.source
