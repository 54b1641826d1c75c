-- rule: offset-before-effect
-- says: A crash after the offset and before its effect is committed loses the effect for good: the group never reads the record again.
-- summary: {node} committed offsets of {topic} before the effects of the records that they cover, {times}: {detail}{others}
-- needs: acts
-- An offset commit has the key of the last record it covers in each partition; only the first one
-- with a position counts. It came too early where no node of the group has committed that key to a
-- database since the record was published, and one did so later, but before there was another
-- record of the key, so that nothing else can have been the cause. Where that was seen of a node,
-- records whose effect never came count too. A retry has the address of what it repeats, and its
-- record may be there since the first try.
-- scope:
SELECT count(*)
FROM acts
WHERE kind = 'offset-commit' AND node IN (SELECT node FROM acts WHERE kind = 'commit')
-- hazards:
WITH covered AS (
    SELECT *, string_split(part, ':')[1] AS "group"
    FROM (SELECT *, unnest(parts) AS part FROM acts WHERE kind = 'offset-commit')
    WHERE string_split(part, ':')[2] = topic
    QUALIFY row_number() OVER (PARTITION BY part, "partition", "offset" ORDER BY asked) = 1
),
records AS (
    SELECT
        *,
        min(asked) OVER (
            PARTITION BY key ORDER BY asked RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS next
    FROM (
        SELECT topic, "partition", "offset", key, min(asked) OVER (PARTITION BY address) AS asked
        FROM acts WHERE kind = 'produce'
    )
    WHERE "offset" IS NOT NULL
),
effects_of_groups AS (
    SELECT members.group, acts.key, acts.asked, acts.answered, acts.at_s, acts.address
    FROM acts
    JOIN (SELECT DISTINCT node, "group" FROM covered) AS members USING (node)
    WHERE acts.kind = 'commit' AND acts.answered IS NOT NULL
),
read AS (
    SELECT covered.*, records.asked AS published, records.next
    FROM covered
    ASOF JOIN records
        ON records.topic = covered.topic AND records.partition = covered.partition
        AND records.key = covered.key AND records.offset < covered.offset
    WHERE records.asked < covered.asked
),
early AS (
    SELECT
        read.node, read.key, read.group, read.topic, read.at_s, read.address,
        arg_min(later.at_s, later.answered) AS effect_s,
        arg_min(later.address, later.answered) AS effect_address
    FROM read
    LEFT JOIN effects_of_groups AS later
        ON later.group = read.group AND later.key = read.key AND later.answered > read.asked
        AND (read.next IS NULL OR later.asked < read.next)
    WHERE
        read.node IN (SELECT node FROM acts WHERE kind = 'commit')
        AND NOT EXISTS (
            FROM effects_of_groups AS done
            WHERE
                done.group = read.group AND done.key = read.key
                AND done.asked > read.published AND done.answered < read.asked
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
