-- id: no-change-lost
-- family: loss
-- guarantee: Every committed change of an order's row has a record: every intermediate one, and that the row is gone.
-- patterns: all
-- summary: {pattern} lost changes of {count} of {judged} orders: {detail}{others}
-- needs: changes
-- needs: told
-- scope:
SELECT count(DISTINCT order_id) FROM changes
-- counterexamples:
SELECT
    order_id AS key,
    concat(
        'order ', order_id,
        CASE type
            WHEN 'order-placed' THEN ' was placed'
            WHEN 'order-amended' THEN concat(' was amended to ', quantity)
            WHEN 'order-cancelled' THEN ' was cancelled'
            ELSE ' was erased'
        END,
        ' (version ', version, ') by transaction ', xid, ' at ', lsn, ', and no record tells of that'
    ) AS detail,
    true AS pending,
    type,
    version,
    xid,
    lsn
FROM changes
ANTI JOIN told USING (order_id, version)
ORDER BY place
