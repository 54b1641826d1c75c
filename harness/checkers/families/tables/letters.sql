-- table: family.letters.{{ n }}
-- declared: {{ declared }}
-- needs: family.records
-- rows:
SELECT {{ d.consumer|text }} AS consumer, topic, partition, "offset", key, event
FROM "family.records"
WHERE topic = {{ d.topic.name|text }}
