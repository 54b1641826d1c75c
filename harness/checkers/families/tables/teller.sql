-- table: family.tellers.{{ n }}
-- declared: {{ declared }}
-- needs: transactions? (node VARCHAR)
-- rows:
SELECT
    unnest({{ d.topics|map(attribute='name')|list|texts }}) AS topic,
    {{ 'true' if d.id is defined else 'false' }} AS is_outbox,
    {{ 'true' if d.kept is not defined or d.kept else 'EXISTS (FROM transactions WHERE node = ' ~ (d.node|text) ~ ')' }} AS complete
