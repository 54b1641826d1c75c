-- table: family.lettered.{{ n }}
-- declared: {{ declared }}
-- rows:
SELECT {{ d.consumer|text }} AS consumer
