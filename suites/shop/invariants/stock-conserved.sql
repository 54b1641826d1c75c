-- id: stock-conserved
-- family: conservation
-- guarantee: What is on hand is what there was at first plus every movement in the ledger.
-- patterns: all
-- summary: {count} of {judged} products do not add up: {detail}{others}
-- needs: db.inventory-db.stock
-- needs: db.inventory-db.stock_movements
-- The key is the product. Stock and ledger are written in one transaction, so this holds always.
-- scope:
SELECT count(*) FROM "db.inventory-db.stock"
-- counterexamples:
WITH moved AS (
    SELECT product_id, sum(delta) AS moved FROM "db.inventory-db.stock_movements" GROUP BY ALL
)
SELECT
    product_id AS key,
    concat(
        coalesce(stock.on_hand, 0), ' of ', product_id, ' are on hand, and ',
        coalesce(stock.initial, 0), ' at first with ', coalesce(moved.moved, 0),
        ' moved since make ', coalesce(stock.initial, 0) + coalesce(moved.moved, 0)
    ) AS detail
FROM "db.inventory-db.stock" AS stock
FULL JOIN moved USING (product_id)
WHERE stock.product_id IS NULL OR stock.on_hand <> stock.initial + coalesce(moved.moved, 0)
