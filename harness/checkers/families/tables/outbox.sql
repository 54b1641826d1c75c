-- table: family.told.{{ n }}
-- declared: {{ declared }}
-- A relay may delete what it has sent: the log of the server still has it.
-- needs: db.{{ d.node|file }}.{{ d.table|file }}
-- needs: transactions? (node VARCHAR, lsn VARCHAR, position BIGINT, "table" VARCHAR, operation VARCHAR, key VARCHAR, columns VARCHAR)
-- rows:
WITH found AS (
    SELECT
        {{ d.id|kept }} AS event,
        {{ d.key|kept }} AS key,
        {{ d.version|kept }} AS version,
        {{ d.payload|kept }} AS payload,
        true AS is_there,
        coalesce({{ d.sent|kept }} NOT IN ('false', 'f'), false) AS is_marked
    FROM {{ d|table }}
    UNION ALL
    SELECT
        {{ d.id|logged }},
        {{ d.key|logged }},
        {{ d.version|logged }},
        {{ d.payload|logged }},
        false,
        false
    FROM transactions
    WHERE node = {{ d.node|text }} AND "table" = {{ d.table|text }} AND operation = 'insert' AND json_valid(columns)
)
SELECT
    {{ ('outbox ' ~ d.table ~ ' of ' ~ d.node)|text }} AS source,
    {{ d.topics|map(attribute='name')|list|texts }} AS topics,
    'event' AS matched,
    coalesce(event, 'NULL') AS who,
    0::BIGINT AS n,
    any_value(key) AS key,
    TRY_CAST(any_value(version) AS BIGINT) AS version,
    any_value(payload) AS payload,
    bool_or(is_there) AS is_there,
    bool_or(is_marked) AS is_marked,
    {{ 'true' if d.sent else 'false' }} AS is_to_be_marked,
    {{ 'true' if d.payload else 'false' }} AS has_payload,
    {{ 'true' if d.key else 'false' }} AS has_key,
    true AS is_outbox
FROM found
GROUP BY event
