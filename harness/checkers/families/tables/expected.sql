-- table: family.expected.{{ n }}
-- declared: {{ declared }}
-- needs: family.records
-- rows:
SELECT
    {{ d.consumer|text }} AS consumer,
    {{ ('table ' ~ d.table ~ ' of ' ~ d.node)|text }} AS ledger,
    {{ 'true' if d.event else 'false' }} AS has_event,
    {{ 'true' if d.version else 'false' }} AS has_version,
    topic,
    event,
    any_value(key) AS key,
    min(version) AS version
FROM "family.records"
WHERE
    list_contains({{ d.topics|map(attribute='name')|list|texts }}, topic) AND event IS NOT NULL
{% for field, values in d.only.items() %}
    AND CASE
        WHEN json_valid(value) THEN coalesce(
            list_contains({{ values|list|texts }}, json_extract_string(value, {{ field|path }})), false
        )
        ELSE false
    END
{% endfor %}
GROUP BY topic, event
