-- table: family.steps.{{ n }}
-- declared: {{ declared }}
-- Of the table and the log of its server, whichever has more rows of a saga.
-- needs: db.{{ d.node|file }}.{{ d.table|file }}
-- needs: transactions? (node VARCHAR, lsn VARCHAR, position BIGINT, "table" VARCHAR, operation VARCHAR, key VARCHAR, columns VARCHAR)
-- rows:
WITH found AS (
    SELECT
        'kept' AS seen_in, {{ d.key|kept }} AS key, {{ d.kind|kept }} AS kind,
        {{ (d.at|name) ~ '::TIMESTAMPTZ' if d.at else 'NULL::TIMESTAMPTZ' }} AS moment
    FROM {{ d|table }}
    UNION ALL
    SELECT 'log', {{ d.key|logged }}, {{ d.kind|logged }}, NULL
    FROM transactions
    WHERE
        node = {{ d.node|text }} AND "table" = {{ d.table|text }}
        AND operation = 'insert' AND json_valid(columns)
),
counted AS (
    SELECT
        seen_in, key,
{% if d.kind %}
        count(*) FILTER (list_contains({{ d.done|list|texts }}, kind)) AS done,
        count(*) FILTER (list_contains({{ d.undone|list|texts }}, kind)) AS undone,
        max(moment) FILTER (list_contains({{ (d.done|list + d.undone|list)|texts }}, kind)) AS last_at
{% else %}
        count(*) AS done, 0::BIGINT AS undone, max(moment) AS last_at
{% endif %}
    FROM found
    WHERE key IS NOT NULL
    GROUP BY seen_in, key
)
SELECT
    {{ saga.name|text }} AS saga,
    {{ d.name|text }} AS step,
    {{ 'true' if d.undone else 'false' }} AS can_be_undone,
    key,
    max(done) AS done,
    max(undone) AS undone,
    max(last_at) AS last_at
FROM counted
GROUP BY key
