-- table: events
-- What the consumers read. The topic must be there.
-- needs: kafka.order.events
-- needs: records
-- rows:
SELECT * EXCLUDE (topic) FROM records WHERE topic = 'order.events'
