-- rule: dual-write
-- says: A crash after the commit and before the publish loses the event for good: nothing in the database says that it is still to be sent.
-- summary: {node} committed and then published the same key, with nothing in an outbox, {times}: for {median_ms} ms (median; at most {most_ms} ms) a crash would have lost the event
-- needs: changes
-- needs: publishes
-- Committed is when the database acknowledged, published when the request left. A publish belongs
-- to the last commit of its key by the same node, and only the first publish after it counts;
-- unless it comes from an outbox, or belongs to a transaction that is still open. A node that
-- published before each of its commits owes none of them a publish: what comes next is early.
-- scope:
SELECT count(*) FROM changes
-- hazards:
WITH numbered AS (
    SELECT *, row_number() OVER (PARTITION BY node, key ORDER BY answered) AS n FROM changes
),
told AS (
    SELECT
        p.node, p.key, coalesce(c.n, 0) AS commits,
        any_value(c.detail) AS wrote,
        any_value(c.address) AS committed,
        any_value(c.answered_s) AS committed_s,
        any_value(c.told) AS told,
        arg_min(p.address, p.asked) FILTER (NOT p.inside) AS published,
        arg_min(p.detail, p.asked) FILTER (NOT p.inside) AS topic,
        arg_min(p.at_s, p.asked) FILTER (NOT p.inside) AS published_s
    FROM (FROM publishes WHERE NOT relayed) AS p
    ASOF LEFT JOIN numbered AS c ON c.node = p.node AND c.key = p.key AND p.asked > c.answered
    GROUP BY ALL
),
owed AS (
    SELECT *, round((published_s - committed_s) * 1000, 2) AS ms
    FROM told
    QUALIFY row_number() OVER (PARTITION BY node, key ORDER BY commits) <= commits
)
SELECT
    node,
    key,
    concat(
        node, ' committed ', wrote, ' of key ', key, ' and published it to ', topic, ' ', ms,
        ' ms later'
    ) AS detail,
    ms,
    round(committed_s, 4) AS committed_s,
    committed,
    published,
    round(median(ms) OVER (PARTITION BY node), 2) AS median_ms,
    round(max(ms) OVER (PARTITION BY node), 2) AS most_ms
FROM owed
WHERE published IS NOT NULL AND NOT told
ORDER BY committed_s
