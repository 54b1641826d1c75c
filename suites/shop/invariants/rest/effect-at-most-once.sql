-- id: effect-at-most-once
-- family: effect
-- guarantee: Each service applies each change of an order at most once.
-- patterns: all
-- summary: {count} of {judged} orders had an effect more than once: {detail}{others}
-- needs: effects
-- Whether it was applied at all is for services-agree. Changes are told apart by order and version:
-- one that is said again under another id is no other change.
-- scope:
SELECT count(DISTINCT order_id) FROM effects
-- counterexamples:
SELECT
    order_id AS key,
    consumer,
    concat(consumer, ' applied version ', version, ' of order ', order_id, ' ', count(*), ' times') AS detail,
    version,
    list(event_id ORDER BY applied_at, event_id) AS event_ids
FROM effects
GROUP BY order_id, consumer, version
HAVING count(*) > 1
ORDER BY consumer, version
