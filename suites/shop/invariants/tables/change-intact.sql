-- id: change-intact
-- family: payload
-- guarantee: Every record carries exactly what the transaction left in the row, or took out of the table, under the order's id as its key.
-- patterns: all
-- summary: {count} of {judged} orders have a record that differs from its change: {detail}{others}
-- needs: changes
-- needs: told
-- A record without a change is for no-phantom-change. The poller does not know of transactions.
-- scope:
SELECT count(DISTINCT coalesce(order_id, key)) FROM told
-- counterexamples:
WITH compared AS (
    SELECT
        told.*,
        CASE
            WHEN NOT readable THEN 'it is no JSON object'
            WHEN told.order_id IS NULL OR told.version IS NULL OR told.op IS NULL
                THEN 'its order_id, version or operation is missing'
            WHEN told.key IS DISTINCT FROM told.order_id
                THEN concat('its key is ', coalesce(told.key, 'missing'), ', its order_id ', told.order_id)
            WHEN changes.order_id IS NULL THEN NULL
            WHEN (told.product_id, told.quantity, told.status)
                IS DISTINCT FROM (changes.product_id, changes.quantity, changes.status)
                THEN concat(
                    'it tells of ', coalesce(told.quantity::VARCHAR, 'no quantity'), ' of ',
                    coalesce(told.product_id, 'no product'), ', ', coalesce(told.status, 'no status'),
                    ', instead of ', changes.quantity, ' of ', changes.product_id, ', ', changes.status
                )
            WHEN told.xid <> changes.xid
                THEN concat('it names transaction ', told.xid, ' instead of ', changes.xid)
        END AS wrong
    FROM told
    LEFT JOIN changes USING (order_id, version)
)
SELECT
    coalesce(order_id, key) AS key,
    concat('the record at ', partition, '/', "offset", ': ', wrong) AS detail,
    partition,
    "offset"
FROM compared
WHERE wrong IS NOT NULL
ORDER BY partition, "offset"
