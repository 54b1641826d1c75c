-- table: told
-- Every row that any outbox ever had: from the databases' own logs of commits, because what was sent is
-- deleted after a while.
-- needs: transactions
-- rows:
SELECT DISTINCT
    node,
    columns->>'id' AS event_id,
    columns->>'aggregateid' AS order_id,
    columns->>'type' AS type
FROM transactions
WHERE "table" = 'outbox' AND operation = 'insert'
