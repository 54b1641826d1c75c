-- id: liveness-after-heal
-- family: liveness
-- guarantee: After the last fault is healed, everything works again and comes to rest.
-- patterns: all
-- summary: {pattern} did not come to rest after {fault}: {detail}{others}
-- needs: quiescence
-- needs: faults
-- needs: scenario
-- needs: groups? ("group" VARCHAR, topic VARCHAR, partition INTEGER, lag BIGINT)
-- needs: connect? (connector VARCHAR, state VARCHAR, task INTEGER, trace VARCHAR)
-- needs: slots? (slot VARCHAR, active BOOLEAN, wal_status VARCHAR)
-- The key is what does not rest. A fault counts once it was seen to work and its target was seen
-- not to come back. Where nobody waited for rest, or the stores could not be read in the end,
-- conditions, lag and states tell of the rig, not of the system.
-- scope:
SELECT (SELECT count(*) FROM quiescence) + (SELECT count(*) FROM faults WHERE during_shown)
-- counterexamples:
WITH waited AS (FROM quiescence WHERE (SELECT collected FROM scenario))
SELECT
    condition AS key,
    concat(condition, ' was still not met after ', round(waited_s, 1), ' s', ': ' || nullif(detail, '')) AS detail
FROM waited
WHERE NOT coalesce(met, false)
UNION ALL
SELECT name, concat(name, ' on ', target, ' was healed and the target does not work again')
FROM faults
WHERE during_shown AND NOT after_shown
UNION ALL
SELECT
    concat("group", ' ', topic, '/', partition),
    concat('consumer group ', "group", ' is ', lag, ' records behind in ', topic, '/', partition)
FROM groups
WHERE lag > 0 AND EXISTS (FROM waited)
UNION ALL
SELECT
    connector || coalesce('/' || task, ''),
    concat('connector ', connector, coalesce(' task ' || task, ''), ' is ', state)
FROM connect
WHERE state <> 'RUNNING' AND EXISTS (FROM waited)
UNION ALL
SELECT slot, concat('replication slot ', slot, CASE WHEN active THEN concat(' is ', wal_status) ELSE ' is not active' END)
FROM slots
WHERE (NOT active OR wal_status = 'lost') AND EXISTS (FROM waited)
