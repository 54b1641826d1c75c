-- table: family.pairs.{{ n }}
-- declared: {{ declared }}
-- needs: db.{{ d.source.node|file }}.{{ d.source.name|file }}
-- needs: db.{{ d.copy.node|file }}.{{ d.copy.name|file }}
-- rows:
WITH source AS (
    SELECT
        {{ d.key|kept }} AS key,
        count(*) OVER (PARTITION BY {{ d.key|kept }}) AS times{% for one in d.renamed %},
        {{ one|kept }} AS c{{ loop.index }}{% endfor %}

    FROM {{ d.source|table }}
{% for column, values in d.only.items() %}
    {{ 'WHERE' if loop.first else 'AND' }} coalesce(list_contains({{ values|list|texts }}, {{ column|kept }}), false)
{% endfor %}
),
copy AS (
    SELECT
        {{ d.key|kept }} AS key,
        count(*) OVER (PARTITION BY {{ d.key|kept }}) AS times{% for one in d.renamed.values() %},
        {{ one|kept }} AS c{{ loop.index }}{% endfor %}

    FROM {{ d.copy|table }}
)
SELECT
    {{ (d.copy.name ~ ' of ' ~ d.copy.node)|text }} AS copy,
    {{ (d.source.name ~ ' of ' ~ d.source.node)|text }} AS source,
    coalesce(source.key, copy.key) AS key,
    CASE
        WHEN copy.times IS NULL THEN 'is missing'
        WHEN source.times IS NULL THEN 'is there and its source is not'
        WHEN source.times <> copy.times
            THEN concat('is there ', copy.times, ' times, its source ', source.times, ' times')
        ELSE nullif(concat_ws(' and '{% for column, copied in d.renamed.items() %},
            CASE
                WHEN source.c{{ loop.index }} IS DISTINCT FROM copy.c{{ loop.index }} THEN concat(
                    'has {{ copied|within }} ', coalesce(copy.c{{ loop.index }}, 'NULL'),
                    ' instead of ', coalesce(source.c{{ loop.index }}, 'NULL')
                )
            END{% endfor %}

        ), '')
    END AS wrong
FROM source
FULL JOIN copy ON source.key = copy.key
