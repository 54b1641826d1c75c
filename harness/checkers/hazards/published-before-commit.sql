-- rule: published-before-commit
-- says: A crash after the broker has the record and before the commit makes the event up: what it tells of never was, and the record stays.
-- summary: {node} published keys from within the transactions that wrote them, {times}: for {median_ms} ms (median; at most {most_ms} ms) a crash would have made the event up
-- needs: acts
-- needs: publishes
-- Published is when the broker acknowledged, which is before the COMMIT is sent; committed is when
-- the database acknowledged that. What a node with transactions of Kafka's sends is out only when
-- these end, and is not judged.
-- scope:
SELECT count(*) FROM publishes WHERE NOT relayed
-- hazards:
WITH early AS (
    SELECT
        publishes.node, publishes.key, publishes.address AS published,
        publishes.detail AS topic, publishes.answered_s AS published_s,
        change.address AS committed, change.detail AS wrote,
        round((coalesce(change.answered_s, change.at_s) - publishes.answered_s) * 1000, 2) AS ms
    FROM publishes
    JOIN acts AS change
        ON change.kind = 'commit' AND change.node = publishes.node AND change.key = publishes.key
        AND change.asked = publishes.ended
    WHERE
        publishes.inside AND NOT publishes.relayed AND publishes.answered < publishes.ended
        AND publishes.node NOT IN (SELECT node FROM acts WHERE kind = 'end-txn')
)
SELECT
    node,
    key,
    concat(
        node, ' published key ', key, ' to ', topic, ' and committed ', wrote, ' ', ms,
        ' ms later'
    ) AS detail,
    ms,
    round(published_s, 4) AS published_s,
    published,
    committed,
    round(median(ms) OVER (PARTITION BY node), 2) AS median_ms,
    round(max(ms) OVER (PARTITION BY node), 2) AS most_ms
FROM early
ORDER BY published_s
