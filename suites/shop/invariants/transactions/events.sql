-- table: events
-- What the consumers read: what was routed. The topic must be there.
-- needs: kafka.order.routed
-- needs: records
-- rows:
SELECT * EXCLUDE (topic) FROM records WHERE topic = 'order.routed'
