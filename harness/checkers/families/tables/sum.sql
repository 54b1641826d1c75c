-- table: family.sums.{{ n }}
-- declared: {{ declared }}
-- needs: db.{{ d.node|file }}.{{ d.table|file }}
-- rows:
SELECT
    {{ whole.name|text }} AS name,
    {{ d.node|text }} AS node,
    {{ whole.total }}::DECIMAL(38, 6) AS total,
    {{ n }} AS part,
    {{ (('less ' if d.sign < 0 else '') ~ d.column ~ ' of ' ~ d.table ~ ' in ' ~ d.node)|text }} AS says,
    {{ (d.by|kept) if d.by else whole.name|text }} AS key,
    {{ d.sign }} * coalesce(sum({{ d.column|name }}::DECIMAL(38, 6)), 0) AS amount
FROM {{ d|table }}
{% if d.by %}
GROUP BY ALL
{% endif %}
