-- id: money-conserved
-- family: conservation
-- guarantee: What the shop has is what it took less what it gave back, and customers miss just that.
-- patterns: all
-- summary: {count} of {judged} accounts do not add up: {detail}{others}
-- needs: db.payment-db.balances
-- needs: db.payment-db.payment_movements
-- The key is the account. Balances and ledger are written in one transaction, so this holds always.
-- scope:
SELECT count(*) FROM "db.payment-db.balances"
-- counterexamples:
WITH moved AS (SELECT coalesce(sum(cents), 0) AS cents FROM "db.payment-db.payment_movements"),
due AS (
    SELECT 'shop' AS account, cents FROM moved
    UNION ALL
    SELECT 'customers', -cents FROM moved
)
SELECT
    account AS key,
    concat(account, ' has ', coalesce(balances.cents, 0), ' cents, and its movements make ', due.cents) AS detail
FROM "db.payment-db.balances" AS balances
FULL JOIN due USING (account)
WHERE coalesce(balances.cents, 0) <> coalesce(due.cents, 0)
