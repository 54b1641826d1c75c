-- table: family.acknowledged.{{ n }}
-- declared: {{ declared }}
-- What the last word on each key was: an outcome that is unknown promises nothing, and excuses
-- a row.
-- needs: ops
-- needs: db.{{ d.node|file }}.{{ d.table|file }}
-- rows:
WITH told AS (
    SELECT
        key,
        bool_or(type = 'ok') AS promised,
        bool_or(type = 'fail') AND NOT bool_or(type IN ('ok', 'info')) AS refused
    FROM ops
    WHERE f = {{ d.f|text }} AND type IN ('ok', 'fail', 'info') AND key IS NOT NULL
    GROUP BY key
),
there AS (
    SELECT
        {{ d.key|kept }} AS key,
        bool_or(true{% for column, values in d.states.items() %}

            AND coalesce(list_contains({{ values|list|texts }}, {{ column|kept }}), false){% endfor %}

        ) AS is_as_promised
    FROM {{ d|table }}
    GROUP BY ALL
)
SELECT
    {{ d.f|text }} AS f,
    {{ (d.table ~ ' of ' ~ d.node)|text }} AS "table",
    told.key,
    CASE
        WHEN promised AND there.key IS NULL THEN 'has no row'
        WHEN promised AND NOT is_as_promised THEN 'has a row that says something else'
{% if d.refused %}
        WHEN refused AND is_as_promised THEN 'has a row'
{% endif %}
    END AS wrong,
    promised
FROM told
LEFT JOIN there ON there.key = told.key
WHERE promised OR refused
