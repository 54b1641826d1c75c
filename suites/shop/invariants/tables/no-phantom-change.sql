-- id: no-phantom-change
-- family: phantom
-- guarantee: Every record tells of a change of an order's row that was committed.
-- patterns: all
-- summary: {pattern} published {count} of {judged} orders' changes that were not committed: {detail}{others}
-- needs: changes
-- needs: told
-- scope:
SELECT count(DISTINCT coalesce(order_id, key)) FROM told
-- counterexamples:
SELECT
    coalesce(told.order_id, told.key) AS key,
    concat(
        'the record at ', partition, '/', "offset", ' tells of ',
        coalesce(concat(CASE WHEN erased THEN 'the erasure as ' END, 'version ', told.version), 'no version'),
        ' of order ', coalesce(told.order_id, told.key), ', which was not committed'
    ) AS detail,
    partition,
    "offset"
FROM told
ANTI JOIN changes
    ON changes.order_id = told.order_id
    AND changes.version = told.version
    AND (changes.operation = 'delete') = told.erased
ORDER BY partition, "offset"
