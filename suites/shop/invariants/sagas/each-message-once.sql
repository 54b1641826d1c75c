-- id: each-message-once
-- family: bounded
-- guarantee: No service says the same thing about a saga twice: no saga goes round in circles.
-- patterns: all
-- summary: {count} of {judged} sagas were told the same again: {detail}{others}
-- needs: told
-- A record twice in a topic is legal; here two messages are meant, each committed by itself.
-- scope:
SELECT count(DISTINCT order_id) FROM told
-- counterexamples:
SELECT order_id AS key, concat(node, ' has committed ', type, ' of order ', order_id, ' ', count(*), ' times') AS detail
FROM told
GROUP BY order_id, node, type
HAVING count(*) > 1
ORDER BY key, detail
