-- table: family.least.{{ n }}
-- declared: {{ declared }}
-- needs: db.{{ d.node|file }}.{{ d.table|file }}
-- needs: transactions? (node VARCHAR, lsn VARCHAR, position BIGINT, "table" VARCHAR, operation VARCHAR, key VARCHAR, columns VARCHAR)
-- rows:
SELECT
    {{ whole.name|text }} AS name,
    {{ (d.column ~ ' of ' ~ d.table ~ ' in ' ~ d.node)|text }} AS says,
    {{ d.least }}::DECIMAL(38, 6) AS least,
    coalesce(key, 'NULL') AS key,
    min(amount) AS amount
FROM (
    SELECT {{ (d.by|kept) if d.by else whole.name|text }} AS key, {{ d.column|name }}::DECIMAL(38, 6) AS amount
    FROM {{ d|table }}
    UNION ALL
    SELECT {{ (d.by|logged) if d.by else whole.name|text }}, TRY_CAST({{ d.column|logged }} AS DECIMAL(38, 6))
    FROM transactions
    WHERE
        node = {{ d.node|text }} AND "table" = {{ d.table|text }}
        AND operation IN ('insert', 'update') AND json_valid(columns)
)
GROUP BY key
