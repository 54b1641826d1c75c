-- rule: offset-before-effect
-- says: A crash after the offset is committed and before the effect is loses the effect for good: the group never reads the record again.
-- summary: {node} committed offsets of {topic} before the effects of the records that they cover, {count} times: {detail}{others}
-- needs: acts
-- An offset commit has the key of the last record it covers in each partition. The n-th one with a
-- key covers at least the n-th record of it. It came too early where no node of the group has
-- committed that key to a database since the record was published, and one did so later, but
-- before there was another record of the key, so that nothing else can have been the cause. Where
-- that was seen of a node, records whose effect never came count too.
-- scope:
SELECT count(*)
FROM acts
WHERE kind = 'offset-commit' AND node IN (SELECT node FROM acts WHERE kind = 'commit')
-- hazards:
WITH positions AS (
    SELECT
        *,
        string_split(part, ':')[1] AS "group",
        string_split(part, ':')[2] AS topic
    FROM (SELECT *, unnest(parts) AS part FROM acts WHERE kind = 'offset-commit')
),
covered AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY "group", topic, key ORDER BY asked) AS n
    FROM positions
),
records AS (
    SELECT
        topic, key, asked,
        row_number() OVER (PARTITION BY topic, key ORDER BY asked) AS n,
        lead(asked) OVER (PARTITION BY topic, key ORDER BY asked) AS next
    FROM (
        SELECT part AS topic, key, address, min(asked) AS asked
        FROM (SELECT *, unnest(parts) AS part FROM acts WHERE kind = 'produce')
        GROUP BY ALL
    )
),
effects_of_groups AS (
    SELECT members.group, acts.key, acts.asked, acts.answered, acts.at_s, acts.address
    FROM acts
    JOIN (SELECT DISTINCT node, "group" FROM positions) AS members USING (node)
    WHERE acts.kind = 'commit' AND acts.answered IS NOT NULL
),
early AS (
    SELECT
        covered.node, covered.server, covered.key, covered.group, covered.topic,
        covered.at_s, covered.address,
        arg_min(later.at_s, later.answered) AS effect_s,
        arg_min(later.address, later.answered) AS effect_address
    FROM covered
    JOIN records
        ON records.topic = covered.topic AND records.key = covered.key AND records.n = covered.n
    LEFT JOIN effects_of_groups AS later
        ON later.group = covered.group AND later.key = covered.key
        AND later.answered > covered.asked
        AND (records.next IS NULL OR later.asked < records.next)
    WHERE
        records.asked < covered.asked
        AND covered.node IN (SELECT node FROM acts WHERE kind = 'commit')
        AND NOT EXISTS (
            FROM effects_of_groups AS done
            WHERE
                done.group = covered.group AND done.key = covered.key
                AND done.asked > records.asked AND done.answered < covered.asked
        )
    GROUP BY ALL
)
SELECT
    node,
    key,
    concat(
        'the record of key ', key, ' was covered ',
        coalesce(
            round((effect_s - at_s) * 1000, 2) || ' ms before ' || node || ' committed its effect',
            'and its effect was never committed'
        )
    ) AS detail,
    topic,
    "group",
    round(at_s, 4) AS covered_s,
    address AS covered_by,
    effect_address AS effect
FROM early
WHERE
    effect_s IS NOT NULL
    OR (node, topic) IN (SELECT (node, topic) FROM early WHERE effect_s IS NOT NULL)
ORDER BY covered_s
