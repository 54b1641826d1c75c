-- id: terminal-is-final
-- family: terminal
-- guarantee: After an order's cancellation nothing else is done for it.
-- patterns: all
-- summary: {count} of {judged} orders went on after their end: {detail}{others}
-- needs: effects
-- Effects of one moment are one transaction's and count as in order.
-- scope:
SELECT count(DISTINCT order_id) FROM effects
-- counterexamples:
SELECT
    later.order_id AS key,
    concat(
        any_value(later.consumer ORDER BY later.consumer), ' applied version ', min(later.version),
        ' of order ', later.order_id, ' after its cancellation'
    ) AS detail
FROM effects AS later
JOIN (
    SELECT consumer, order_id, min(applied_at) AS cancelled_at
    FROM effects
    WHERE version = 2
    GROUP BY consumer, order_id
) AS ended ON ended.consumer = later.consumer AND ended.order_id = later.order_id
WHERE later.version <> 2 AND later.applied_at > ended.cancelled_at
GROUP BY later.order_id
