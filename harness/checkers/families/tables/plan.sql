-- table: family.plans.{{ n }}
-- declared: {{ declared }}
-- rows:
SELECT {{ saga.name|text }} AS saga, {{ d.name|text }} AS step, {{ 'true' if d.undone else 'false' }} AS can_be_undone
