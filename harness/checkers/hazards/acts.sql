-- table: acts
-- Effects with a business key, one row a key, with their places in the one order of frames: `asked`
-- of the request, `answered` of the acknowledgement. Nodes with a connection that could not be
-- read to its end are left out: what was not seen may have been done.
-- needs: effects
-- needs: trace
-- rows:
SELECT
    effects.*,
    string_split(detail, ',') AS parts,
    places.asked,
    places.answered
FROM effects
JOIN (
    SELECT
        effect,
        min(seq) FILTER (direction = 'client') AS asked,
        min(seq) FILTER (direction = 'server' AND outcome = 'acknowledged') AS answered
    FROM trace
    WHERE effect IS NOT NULL
    GROUP BY effect
) AS places USING (effect)
WHERE key IS NOT NULL AND node NOT IN (SELECT node FROM trace WHERE kind = 'lost-sync')
