"""Whether records, offsets and transactions' ends have reached the brokers.

Records of an idempotent producer are looked for by what names their batch, on the wire and in the
log. Other records, and positions, are counted over all that the logs have since the scenario began,
by business key, as the wire counts them: the effect is done if there is one more than the wire has
shown done before it. That takes what others have added since for the effect.
"""

from collections.abc import Sequence
from typing import Any

from harness.drivers.kafka import Kafka, Record
from harness.engine.committed import BusinessKeys
from harness.engine.positions import Place, asking, count, keys_of, meant, requests_of
from harness.engine.proof_commit import keys_of as business_keys
from harness.engine.world import World
from harness.errors import EnvironmentFailed
from harness.model.address import NO_KEY
from harness.model.cut import Achieved, Reached
from harness.model.effect import Position
from harness.trace.records import Records
from harness.wire import kafka_events
from harness.wire.kafka_offsets import TOPIC as OFFSETS
from harness.wire.kafka_offsets import OffsetCommitted, read_commit
from harness.wire.kafka_primitives import Malformed

_ANSWER_S = 3.0


async def produce(world: World, reached: Reached) -> Achieved:
    """Records of the key in the effect's topics. Raises EnvironmentFailed."""
    kafka, key = _kafka(world), reached.address.key or NO_KEY
    found = await _records(kafka, await business_keys(world), reached.effect.detail, world)
    own = [record for record, of in found if of == key]
    meant = [p for p in reached.effect.positions if key in p.keys and p.batch is not None]
    if meant:
        return _by_batch(meant, own, key)
    done = verdict(len(own), reached)
    there = f"{_counted(len(own), 'record')} of key {key} in {', '.join(reached.effect.detail)}"
    last = own[-1] if own else None
    if last is not None:
        there += f", the last one at {last.topic}[{last.partition}]@{last.offset}"
    return Achieved(
        done=done,
        says=f"{there}; {_before(reached)}",
        measured={
            "earlier": reached.earlier,
            "doubtful": reached.doubtful,
            "found": [list(record.place) for record in own],
        },
    )


def _by_batch(meant: Sequence[Position], own: Sequence[Record], key: str) -> Achieved:
    """Whether the batches of the effect that have records of its key are in the log."""
    there = {(r.topic, r.partition, r.batch): r.place for r in reversed(own)}
    places = [there.get((p.topic, p.partition, p.batch)) for p in meant]
    told = [
        f"{p.topic}[{p.partition}] has {'no batch' if place is None else 'the batch'} "
        f"{'/'.join(map(str, p.batch or ()))} of key {key}"
        + ("" if place is None else f", at {place[2]}")
        for p, place in zip(meant, places, strict=True)
    ]
    found = [list(place) for place in places if place is not None]
    # Some and not all of what one request asked for: neither side of it.
    done = bool(found) if len(found) in {0, len(places)} else None
    return Achieved(done=done, says="; ".join(told), measured={"found": found})


async def offset_commit(world: World, reached: Reached) -> Achieved:
    """The group's positions in the coordinator's log. Raises EnvironmentFailed."""
    kafka, effect, key = _kafka(world), reached.effect, reached.address.key or NO_KEY
    group = effect.group or ""
    topics = [part.removeprefix(f"{group}:") for part in effect.detail]
    commits = await _commits(kafka, world)
    requests = requests_of(group, commits)
    found = await _records(kafka, await business_keys(world), topics, world)
    keys = {(r.topic, r.partition, r.offset): of for r, of in found}

    def key_at(place: Place, offset: int) -> str | None:
        return keys.get((*place, offset))

    number = count(meant(requests), topics, key, key_at)
    at = {(c.topic, c.partition): c.offset for request in requests for c in request}
    wanted = [(p.topic, p.partition, p.offset or 0) for p in effect.positions]
    stands = ", ".join(
        f"{p.topic}[{p.partition}] at {at.get((p.topic, p.partition), 'nothing')} "
        f"(asked for: {p.offset})"
        for p in effect.positions
    )
    of_key = "" if key == NO_KEY else f" behind key {key}"
    says = f"group {group}: {stands}; {_counted(number, 'commit')}{of_key}, {_before(reached)}"
    done = verdict(number, reached)
    if key == NO_KEY and not done and any(p.moved for p in effect.positions):
        # A consumer can be quicker than the answer that tells the wire which record is where. The
        # effect had no key then, and what the log has of it, has one.
        moved = [step for steps in asking(requests, wanted) for step in steps]
        later = set().union(*(keys_of(step, key_at) for step in moved))
        if later:
            done = True
            says += (
                f"; this one is there, behind {', '.join(sorted(later))}, unknown when it passed"
            )
    return Achieved(
        done=done,
        says=says,
        measured={
            "earlier": reached.earlier,
            "doubtful": reached.doubtful,
            "found": number,
            "wanted": [list(place) for place in wanted],
            "committed": [[topic, partition, offset] for (topic, partition), offset in at.items()],
        },
    )


async def end_txn(world: World, reached: Reached) -> Achieved:
    """The state of the producer's transaction; while one is open its end is not done. Raises
    EnvironmentFailed."""
    name, end = reached.effect.transactional_id or "", "".join(reached.effect.detail)
    state = await _kafka(world).transaction_state(name)
    measured = {"state": state}
    if state is None:
        says = f"the broker knows no transaction of {name}"
        return Achieved(done=None, says=says, measured=measured)
    if state in {"Ongoing", "Empty"}:
        says = f"the transaction of {name} is {state}: nothing has ended it"
        return Achieved(done=False, says=says, measured=measured)
    done = end.capitalize() in state
    says = f"the transaction of {name} is {state}, and its end was to be {end}"
    return Achieved(done=done, says=says, measured=measured)


def verdict(found: int, reached: Reached) -> bool | None:
    """Whether there is one more than before; None where only the doubtful ones tell."""
    if found <= reached.earlier:
        return False
    return True if found > reached.earlier + reached.doubtful else None


def _kafka(world: World) -> Kafka:
    if world.kafka is None:
        raise EnvironmentFailed("there is no broker to ask")
    return world.kafka


async def _records(
    kafka: Kafka, keys: BusinessKeys, topics: list[str] | tuple[str, ...], world: World
) -> list[tuple[Record, str]]:
    """Every record of the topics, with its business key."""
    records = Records(world.key_columns, keys.aliases)
    found: list[Record] = []
    for topic in topics:
        found += await _since(kafka, topic, world)
    plain = [
        kafka_events.Record(key=r.key, value_bytes=len(r.value or b""), headers=r.headers)
        for r in found
    ]
    return list(zip(found, records.keys(plain), strict=True))


async def _commits(kafka: Kafka, world: World) -> list[OffsetCommitted]:
    """Every offset that was committed since the scenario began."""
    found: list[OffsetCommitted] = []
    for record in await _since(kafka, OFFSETS, world):
        try:
            commit = read_commit(record.key, record.value)
        except Malformed as error:
            raise EnvironmentFailed(f"{OFFSETS} at {record.offset}: {error}") from error
        if commit is not None:
            found.append(commit)
    return found


async def _since(kafka: Kafka, topic: str, world: World) -> list[Record]:
    """A topic's records since the scenario began; some topics are older."""
    start = {partition: end for (name, partition), end in world.logs_from.items() if name == topic}
    return await kafka.records(topic, start, timeout_s=_ANSWER_S)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number or 'no'} {what}s"


def _before(reached: Reached) -> str:
    doubtful: Any = f" and {reached.doubtful} in doubt" if reached.doubtful else ""
    return f"{reached.earlier}{doubtful} before it"
