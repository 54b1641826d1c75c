-- id: changes-in-order
-- family: order
-- guarantee: An order's changes stand in the topic, in one partition, and in each consumer's ledger in the order of their commits.
-- patterns: all
-- summary: {count} of {judged} orders are out of order: {detail}{others}
-- needs: told
-- needs: logged_effects
-- A change that was told of before may come again at any time; only its first record counts.
-- scope:
SELECT count(DISTINCT order_id) FROM told WHERE order_id IS NOT NULL
-- counterexamples:
WITH firsts AS (
    SELECT order_id, partition, version, min("offset") AS "offset"
    FROM told
    WHERE order_id IS NOT NULL
    GROUP BY ALL
),
in_topic AS (
    SELECT
        *,
        max(version) OVER (
            PARTITION BY order_id, partition ORDER BY "offset"
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before
    FROM firsts
),
in_ledger AS (
    SELECT
        *,
        max(version) OVER (
            PARTITION BY consumer, order_id ORDER BY place
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before
    FROM logged_effects
    WHERE operation = 'insert'
),
spread AS (
    SELECT order_id, list(DISTINCT partition ORDER BY partition) AS partitions
    FROM told
    WHERE order_id IS NOT NULL
    GROUP BY order_id
    HAVING count(DISTINCT partition) > 1
)
SELECT
    order_id AS key,
    concat(
        'version ', version, ' of order ', order_id, ' stands at ', partition, '/', "offset",
        ', after version ', before
    ) AS detail
FROM in_topic
WHERE version < before
UNION ALL
SELECT
    order_id,
    concat(
        consumer, ' applied version ', version, ' of order ', order_id, ' after version ', before,
        ', by transaction ', xid, ' at ', lsn
    )
FROM in_ledger
WHERE version < before
UNION ALL
SELECT order_id, concat('order ', order_id, ' has records in partitions ', array_to_string(partitions, ', '))
FROM spread
