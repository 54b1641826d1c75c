-- rule: offset-before-effect
-- says: A crash after the offset and before its effect is committed loses the effect for good: the group never reads the record again.
-- summary: {node} committed offsets of {topic} before the effects of the records that they cover, {times}: {detail}{others}
-- needs: acts
-- needs: changes
-- An offset commit has the key of the last record it covers in each partition; only the first one
-- with a position counts. It came too early where no node of the group has changed anything of that
-- key since the record was published, and one did so later, but before there was another record of
-- the key, so that nothing else can have been the cause: no request about that key was open at the
-- node either, and of a consumer that also has effects in time it is like one of these, for what
-- writes other tables may come of a timer. A retry has the address of what it repeats, and its
-- record may be there since the first try.
-- scope:
SELECT count(*)
FROM acts
WHERE kind = 'offset-commit' AND node IN (SELECT node FROM changes)
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
    QUALIFY "offset" IS NOT NULL
),
read AS (
    SELECT covered.*, records.asked AS published, records.next
    FROM covered
    ASOF JOIN records
        ON records.topic = covered.topic AND records.partition = covered.partition
        AND records.key = covered.key AND records.offset < covered.offset
    WHERE records.asked < covered.asked AND covered.node IN (SELECT node FROM changes)
),
effects_of_groups AS (
    SELECT
        members.group, changes.*,
        EXISTS (
            FROM acts AS request
            WHERE
                request.kind = 'http' AND request.server = changes.node
                AND request.key = changes.key AND request.asked < changes.asked
                AND (request.answered IS NULL OR request.answered > changes.answered)
        ) AS requested
    FROM changes
    JOIN (SELECT DISTINCT node, "group" FROM covered) AS members USING (node)
),
in_time AS (
    SELECT read.effect, read.topic, read.key, read.group, done.detail, done.requested
    FROM read
    JOIN effects_of_groups AS done
        ON done.group = read.group AND done.key = read.key
        AND done.asked > read.published AND done.answered < read.asked
),
early AS (
    SELECT
        read.node, read.key, read.group, read.topic, read.at_s, read.address,
        min(later.answered_s) AS effect_s,
        arg_min(later.address, later.answered) AS effect
    FROM read
    JOIN effects_of_groups AS later
        ON later.group = read.group AND later.key = read.key AND later.answered > read.asked
        AND (read.next IS NULL OR later.asked < read.next)
    LEFT JOIN (
        SELECT "group", topic, list(DISTINCT detail) AS details
        FROM in_time WHERE NOT requested GROUP BY ALL
    ) AS usual ON usual.group = read.group AND usual.topic = read.topic
    WHERE
        NOT later.requested
        AND (usual.details IS NULL OR list_contains(usual.details, later.detail))
        AND (read.effect, read.topic, read.key, read.group) NOT IN (
            SELECT (effect, topic, key, "group") FROM in_time
        )
    GROUP BY ALL
)
SELECT
    node,
    key,
    concat(
        'the record of key ', key, ' was covered ', round((effect_s - at_s) * 1000, 2),
        ' ms before ', node, ' had committed its effect'
    ) AS detail,
    topic,
    "group",
    round(at_s, 4) AS covered_s,
    address AS covered_by,
    effect
FROM early
ORDER BY covered_s
