-- table: family.told.{{ n }}
-- declared: {{ declared }}
{% if d.version %}
-- A row at version v has told 1 to v; the log of the server may know of more.
{% else %}
-- The log of the server tells how often a row was changed; without it each row was, once.
{% endif %}
-- needs: db.{{ d.node|file }}.{{ d.table|file }}
-- needs: transactions? (node VARCHAR, lsn VARCHAR, position BIGINT, "table" VARCHAR, operation VARCHAR, key VARCHAR, columns VARCHAR)
-- rows:
WITH logged AS (
    SELECT {{ d.key|logged }} AS key, TRY_CAST({{ d.version|logged }} AS BIGINT) AS version
    FROM transactions
    WHERE
        node = {{ d.node|text }} AND "table" = {{ d.table|text }}
        AND operation IN ('insert', 'update') AND json_valid(columns)
),
found AS (
{% if d.version %}
    SELECT {{ d.key|kept }} AS key, unnest(range(1, {{ d.version|name }}::BIGINT + 1)) AS n
    FROM {{ d|table }}
    UNION
    SELECT key, version FROM logged WHERE version > 0
{% else %}
    SELECT key, row_number() OVER (PARTITION BY key) AS n FROM logged
    UNION
    SELECT {{ d.key|kept }}, 1
    FROM {{ d|table }}
    WHERE NOT EXISTS (FROM transactions WHERE node = {{ d.node|text }})
{% endif %}
)
SELECT
    {{ ('table ' ~ d.table ~ ' of ' ~ d.node)|text }} AS source,
    {{ d.topics|map(attribute='name')|list|texts }} AS topics,
    {{ ('version' if d.version else 'count')|text }} AS matched,
    coalesce(key, 'NULL') AS who,
    n::BIGINT AS n,
    key,
    {{ 'n' if d.version else 'NULL' }}::BIGINT AS version,
    NULL::VARCHAR AS payload,
    false AS is_there,
    false AS is_marked,
    false AS is_to_be_marked,
    false AS has_payload,
    false AS has_key,
    false AS is_outbox
FROM found
