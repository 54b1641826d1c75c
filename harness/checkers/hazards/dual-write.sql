-- rule: dual-write
-- says: A crash after the commit and before the publish loses the event for good: nothing in the database says that it is still to be sent.
-- summary: {node} committed and then published the same key, with nothing in an outbox, {times}: for {median_ms} ms (median; at most {most_ms} ms) a crash would have lost the event
-- needs: acts
-- needs: outboxes
-- Committed is when the database acknowledged, published when the request left. A publish belongs
-- to the last commit of its key by the same node, and only the first publish after it counts.
-- scope:
SELECT count(*) FROM acts WHERE kind = 'commit' AND answered IS NOT NULL
-- hazards:
WITH changes AS (
    FROM acts
    WHERE
        kind = 'commit' AND answered IS NOT NULL AND NOT EXISTS (
            FROM outboxes
            WHERE
                outboxes.node = acts.server
                AND list_bool_or([starts_with(part, outboxes.table || ':') FOR part IN acts.parts])
        )
),
published AS (
    SELECT
        c.node, c.key, c.effect, c.detail AS wrote, c.address AS committed, c.answered_s,
        arg_min(p.address, p.asked) AS published,
        arg_min(p.detail, p.asked) AS topic,
        arg_min(p.at_s, p.asked) AS published_s
    FROM (FROM acts WHERE kind = 'produce') AS p
    ASOF JOIN changes AS c ON c.node = p.node AND c.key = p.key AND p.asked > c.answered
    GROUP BY ALL
)
SELECT
    node,
    key,
    concat(
        node, ' committed ', wrote, ' of key ', key, ' and published it to ', topic, ' ',
        round((published_s - answered_s) * 1000, 2), ' ms later'
    ) AS detail,
    round((published_s - answered_s) * 1000, 2) AS ms,
    round(answered_s, 4) AS committed_s,
    committed,
    published,
    round(median((published_s - answered_s) * 1000) OVER (PARTITION BY node), 2) AS median_ms,
    round(max((published_s - answered_s) * 1000) OVER (PARTITION BY node), 2) AS most_ms
FROM published
ORDER BY committed_s
