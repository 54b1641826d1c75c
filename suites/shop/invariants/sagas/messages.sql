-- table: messages
-- Every record of the sagas' topics that a read_committed consumer sees.
-- needs: kafka.saga.events? (partition INTEGER, "offset" BIGINT, key VARCHAR, value VARCHAR, headers VARCHAR, committed BOOLEAN)
-- needs: kafka.saga.commands? (partition INTEGER, "offset" BIGINT, key VARCHAR, value VARCHAR, headers VARCHAR, committed BOOLEAN)
-- needs: kafka.saga.replies? (partition INTEGER, "offset" BIGINT, key VARCHAR, value VARCHAR, headers VARCHAR, committed BOOLEAN)
-- rows:
SELECT
    topic,
    partition,
    "offset",
    key,
    CASE WHEN json_valid(headers) THEN json_extract_string(headers, '$.event_id') END AS event_id,
    CASE WHEN json_valid(value) THEN json_extract_string(value, '$.order_id') END AS order_id,
    CASE WHEN json_valid(value) THEN json_extract_string(value, '$.type') END AS type
FROM (
    SELECT 'saga.events' AS topic, partition, "offset", key, value, headers, committed FROM "kafka.saga.events"
    UNION ALL
    SELECT 'saga.commands', partition, "offset", key, value, headers, committed FROM "kafka.saga.commands"
    UNION ALL
    SELECT 'saga.replies', partition, "offset", key, value, headers, committed FROM "kafka.saga.replies"
)
WHERE committed
