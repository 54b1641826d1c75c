-- table: changes
-- Acknowledged commits that changed more than declared outboxes: what marks rows as sent, or cleans
-- them away, is no change of anything. `told`: something of an outbox was written with it.
-- needs: acts
-- needs: outboxes
-- rows:
WITH declared AS (SELECT node, list("table") AS tables FROM outboxes GROUP BY node),
commits AS (
    SELECT
        acts.*,
        list_transform(parts, lambda part: list_contains(
            coalesce(declared.tables, []), string_split(part, ':')[1]
        )) AS of_outbox
    FROM acts
    LEFT JOIN declared ON declared.node = acts.server
    WHERE kind = 'commit' AND answered IS NOT NULL
)
SELECT * EXCLUDE (of_outbox), list_bool_or(of_outbox) AS told
FROM commits
WHERE NOT list_bool_and(of_outbox)
