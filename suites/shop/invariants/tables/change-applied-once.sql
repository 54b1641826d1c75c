-- id: change-applied-once
-- family: effect
-- guarantee: Each consumer applies each change that it is told of exactly once, and takes nothing back unseen.
-- patterns: all
-- summary: {count} of {judged} orders did not have each effect exactly once: {detail}{others}
-- needs: told
-- needs: effects
-- needs: logged_effects
-- A record twice in the topic is legal; its effect twice is not, even where somebody took one of the
-- two out of the ledger again: the write-ahead log has both.
-- scope:
SELECT count(DISTINCT order_id) FROM told WHERE order_id IS NOT NULL
-- counterexamples:
WITH expected AS (
    SELECT consumer, order_id, version
    FROM (SELECT DISTINCT order_id, version FROM told WHERE order_id IS NOT NULL)
    CROSS JOIN (VALUES ('inventory'), ('payment'), ('shipping'), ('review'), ('notification')) AS consumers (consumer)
),
standing AS (
    SELECT consumer, order_id, version, count(*) AS times FROM effects GROUP BY ALL
),
logged AS (
    SELECT
        consumer,
        order_id,
        version,
        count(*) FILTER (operation = 'insert') AS times,
        list(concat(operation, ' by transaction ', xid, ' at ', lsn) ORDER BY place) AS entries,
        bool_or(operation <> 'insert') AS changed
    FROM logged_effects
    WHERE version IS NOT NULL
    GROUP BY ALL
),
applied AS (
    SELECT
        consumer,
        order_id,
        version,
        greatest(coalesce(logged.times, 0), coalesce(standing.times, 0)) AS times,
        coalesce(logged.changed, false) AS changed,
        logged.entries
    FROM standing
    FULL JOIN logged USING (consumer, order_id, version)
)
SELECT
    order_id AS key,
    concat(
        consumer,
        CASE WHEN applied.times IS NULL THEN ' never' END,
        ' applied version ', version, ' of order ', order_id,
        CASE
            WHEN applied.times > 1 THEN concat(' ', applied.times, ' times')
            WHEN applied.changed THEN ' and changed its ledger afterwards'
            WHEN expected.order_id IS NULL THEN ', of which no record tells'
        END,
        CASE WHEN applied.changed OR applied.times > 1 THEN ': ' || array_to_string(applied.entries, ', ') END
    ) AS detail,
    coalesce(applied.times, 0) <= 1 AND NOT coalesce(applied.changed, false) AS pending,
    consumer,
    version,
    coalesce(applied.times, 0) AS times
FROM expected
FULL JOIN applied USING (consumer, order_id, version)
WHERE expected.order_id IS NULL OR applied.times IS NULL OR applied.times > 1 OR applied.changed
UNION ALL
-- Without a primary key or a full identity the log does not tell which entry it was.
SELECT
    coalesce(order_id, consumer),
    concat(consumer, ' took an entry out of its ledger, or changed it: ', operation, ' by transaction ', xid, ' at ', lsn),
    false,
    consumer,
    version,
    0
FROM logged_effects
WHERE operation <> 'insert' AND (order_id IS NULL OR version IS NULL)
ORDER BY consumer, version
