-- id: compensated-exactly-once
-- family: saga
-- guarantee: A completed saga has done every step and undone none; a failed one has undone just those that it had done.
-- patterns: all
-- summary: {count} of {judged} sagas are neither done nor undone: {detail}{others}
-- needs: db.order-db.orders
-- needs: step_effects
-- What was done twice and undone twice is even, and for step-at-most-once. A saga that has not ended is
-- for saga-terminal.
-- scope:
SELECT count(*) FROM (
    SELECT order_id FROM "db.order-db.orders" WHERE status IN ('completed', 'rejected', 'cancelled')
    UNION
    SELECT order_id FROM step_effects
)
-- counterexamples:
WITH done AS (
    SELECT
        order_id,
        step,
        count(*) FILTER (what = 'done') AS done,
        count(*) FILTER (what = 'undone') AS undone
    FROM step_effects
    GROUP BY ALL
),
ended AS (
    SELECT order_id, status, step
    FROM "db.order-db.orders"
    CROSS JOIN (VALUES ('stock'), ('payment'), ('shipment')) AS steps (step)
    WHERE status IN ('completed', 'rejected', 'cancelled')
),
compared AS (
    SELECT order_id, step, status, coalesce(done, 0) AS done, coalesce(undone, 0) AS undone
    FROM ended
    LEFT JOIN done USING (order_id, step)
)
SELECT
    order_id AS key,
    concat(
        'order ', order_id, ' is ', status, ' and its ', step, ' was ',
        CASE WHEN done = 0 THEN 'never done' WHEN done = 1 THEN 'done' ELSE concat('done ', done, ' times') END,
        CASE
            WHEN undone = 0 AND done > 0 THEN ' and not undone'
            WHEN undone = 0 THEN ''
            WHEN undone = 1 THEN ' and undone'
            ELSE concat(' and undone ', undone, ' times')
        END
    ) AS detail,
    step,
    done,
    undone
FROM compared
WHERE done - undone <> CASE status WHEN 'completed' THEN 1 ELSE 0 END OR (status = 'completed' AND undone > 0)
UNION ALL
SELECT order_id, concat('the ', step, ' of order ', order_id, ' was done, and there is no such order'), step, done, undone
FROM done
ANTI JOIN "db.order-db.orders" AS orders USING (order_id)
ORDER BY key, step
