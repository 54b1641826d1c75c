-- table: family.records.{{ n }}
-- declared: {{ declared }}
-- What a read_committed consumer sees; a value that is no JSON has no fields.
-- needs: kafka.{{ d.name|file }}
-- rows:
SELECT
    {{ d.name|text }} AS topic,
    {{ d.at_most if d.at_most is not none else 'NULL' }}::BIGINT AS at_most,
    partition,
    "offset",
    key,
    value,
    headers,
{% if d.header %}
    CASE WHEN json_valid(headers) THEN json_extract_string(headers, {{ d.header|pointer }}) END AS event,
{% elif d.field %}
    CASE WHEN json_valid(value) THEN json_extract_string(value, {{ d.field|path }}) END AS event,
{% else %}
    key AS event,
{% endif %}
{% if d.version %}
    CASE WHEN json_valid(value) THEN TRY_CAST(json_extract_string(value, {{ d.version|path }}) AS BIGINT) END AS version
{% else %}
    NULL::BIGINT AS version
{% endif %}
FROM {{ ('kafka.' ~ (d.name|file))|name }}
WHERE committed
