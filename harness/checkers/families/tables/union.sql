-- table: {{ table }}
{% for part in parts %}
-- needs: {{ part }}
{% endfor %}
-- rows:
{% for part in parts %}
{{ 'UNION ALL ' if not loop.first }}SELECT * FROM {{ part|name }}
{% endfor %}
