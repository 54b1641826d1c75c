-- table: family.states.{{ n }}
-- declared: {{ declared }}
-- Every state that the log of the server tells of, in order, and last the one that is there now.
-- needs: db.{{ d.node|file }}.{{ d.table|file }}
-- needs: transactions? (node VARCHAR, lsn VARCHAR, position BIGINT, "table" VARCHAR, operation VARCHAR, key VARCHAR, columns VARCHAR)
-- rows:
SELECT
    {{ d.name|text }} AS saga,
    {{ 'true' if d.steps else 'false' }} AS has_steps,
    key,
    state,
    moment,
    place,
    coalesce(list_contains({{ d.terminal|list|texts }}, state), false) AS is_terminal,
    coalesce(list_contains({{ d.completed|list|texts }}, state), false) AS is_completed
FROM (
    SELECT
        {{ d.key|kept }} AS key, {{ d.state|kept }} AS state,
        {{ (d.at|name) ~ '::TIMESTAMPTZ' if d.at else 'NULL::TIMESTAMPTZ' }} AS moment, NULL::BIGINT AS place
    FROM {{ d|table }}
    UNION ALL
    SELECT
        {{ d.key|logged }}, {{ d.state|logged }}, NULL, row_number() OVER (ORDER BY lsn(lsn), position)
    FROM transactions
    WHERE
        node = {{ d.node|text }} AND "table" = {{ d.table|text }}
        AND operation IN ('insert', 'update') AND json_valid(columns)
)
WHERE key IS NOT NULL
