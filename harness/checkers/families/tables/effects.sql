-- table: family.effects.{{ n }}
-- declared: {{ declared }}
-- Of the table and the log of its server, whichever has an effect more often: rows may be deleted
-- later, and there may be none to read the log of.
-- needs: db.{{ d.node|file }}.{{ d.table|file }}
-- needs: transactions? (node VARCHAR, lsn VARCHAR, position BIGINT, "table" VARCHAR, operation VARCHAR, key VARCHAR, columns VARCHAR)
-- rows:
WITH found AS (
    SELECT
        'kept' AS seen_in,
        {{ d.event|kept }} AS event,
        {{ d.key|kept }} AS key,
        TRY_CAST({{ d.version|kept }} AS BIGINT) AS version,
        {{ 'row_number() OVER (ORDER BY ' ~ (d.at|name) ~ ', ' ~ 'TRY_CAST(' ~ (d.version|kept) ~ ' AS BIGINT))' if d.at else 'NULL::BIGINT' }} AS place
    FROM {{ d|table }}
{% if d.changes %}
    WHERE false
{% endif %}
    UNION ALL
    SELECT
        'log' AS seen_in,
        {{ d.event|logged }} AS event,
        {{ d.key|logged if d.key else 'key' }} AS key,
        TRY_CAST({{ d.version|logged }} AS BIGINT) AS version,
        row_number() OVER (ORDER BY lsn(lsn), position) AS place
    FROM transactions
    WHERE
        node = {{ d.node|text }} AND "table" = {{ d.table|text }} AND json_valid(columns)
        AND operation IN ({{ "'insert', 'update', 'delete'" if d.changes else "'insert'" }})
{% if d.changes %}
    UNION ALL
    SELECT 'log', NULL, NULL, NULL, NULL
    FROM (SELECT count(*) AS lines FROM transactions WHERE node = {{ d.node|text }})
    WHERE CASE WHEN lines > 0 THEN false ELSE error({{ ('no log of ' ~ d.node ~ ' tells of changes')|text }}) END
{% endif %}
),
counted AS (
    SELECT *, count(*) OVER (PARTITION BY seen_in, event, key, version) AS times
    FROM found
),
chosen AS (
    FROM counted
    QUALIFY seen_in = max_by(seen_in, (times, seen_in)) OVER (PARTITION BY event, key, version)
)
SELECT
    {{ d.consumer|text }} AS consumer,
    {{ ('table ' ~ d.table ~ ' of ' ~ d.node)|text }} AS ledger,
    {{ 'true' if d.topics else 'false' }} AS has_topics,
    {{ 'true' if d.event else 'false' }} AS has_event,
    {{ 'true' if d.version else 'false' }} AS has_version,
    event,
    key,
    version,
    -- Moments of a table and places in a log do not compare.
    CASE
        WHEN seen_in = max(seen_in) OVER () THEN place
    END AS place
FROM chosen
