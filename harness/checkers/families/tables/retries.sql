-- table: family.retries.{{ n }}
-- declared: {{ declared }}
-- needs: db.{{ d.node|file }}.{{ d.table|file }}
-- needs: transactions? (node VARCHAR, lsn VARCHAR, position BIGINT, "table" VARCHAR, operation VARCHAR, key VARCHAR, columns VARCHAR)
-- rows:
SELECT
    {{ (d.column ~ ' of ' ~ d.table ~ ' in ' ~ d.node)|text }} AS says,
    {{ d.at_most }}::BIGINT AS at_most,
    coalesce(key, 'NULL') AS key,
    max(attempts) AS attempts
FROM (
    SELECT {{ d.key|kept }} AS key, {{ d.column|name }}::BIGINT AS attempts
    FROM {{ d|table }}
    UNION ALL
    SELECT {{ d.key|logged }}, TRY_CAST({{ d.column|logged }} AS BIGINT)
    FROM transactions
    WHERE
        node = {{ d.node|text }} AND "table" = {{ d.table|text }}
        AND operation IN ('insert', 'update') AND json_valid(columns)
)
GROUP BY key
