"""Whether a commit has taken place, as the server's write-ahead log has it.

The effect is done if the log has a transaction of its key, like it in what it wrote, that nothing
else explains that the wire has shown done (`committed.unaccounted`). What others than the stopped
process have committed since the point was reached is not explained, and seldom like it; where it
may be, and the effect was not to be, nobody can say.

A commit that is acknowledged, and of which the log has nothing, may have changed no row: a DELETE
that met none commits all the same. Its two cuts are then one state, and it counts as done; but
only while the server has rolled back nothing since the scenario began, for the log does not tell
a transaction that came to nothing from one that wanted nothing. Else nobody can say.
"""

import asyncio
from typing import Any, NamedTuple

from harness.drivers.wal import Committed, WalLedger
from harness.engine.committed import BusinessKeys, Likeness, detail_of, likeness, unaccounted
from harness.engine.world import World
from harness.errors import EnvironmentFailed
from harness.model.address import NO_KEY
from harness.model.cut import Achieved, Reached
from harness.model.effect import Outcome

_ANSWER_S = 3.0
_OTHERS_ANSWER_S = 0.3
"""For servers that may only help to know a key."""
_WRITTEN_S = 1.0
"""wal_writer_delay is 0.2 s, and a commit without waiting is written within three of them."""


class _Found(NamedTuple):
    """What the log has."""

    left: tuple[Committed, ...]
    """Of the effect's key and like it, and not explained by what was done before."""
    strange: int = 0
    """Where the wire knows no key: transactions like it that have one in the log, of which
    nobody knows whether they are explained."""


async def commit(world: World, reached: Reached) -> Achieved:
    """What the log of the effect's server says. Raises EnvironmentFailed."""
    ledger = world.ledgers.get(reached.effect.server)
    if ledger is None:
        return Achieved(done=None, says=f"{reached.effect.server}: nobody reads its log")
    if ledger.why_not is not None:
        return Achieved(done=None, says=ledger.why_not)
    found = await _look(world, ledger, reached)
    if found.left or reached.outcome is not Outcome.ACKNOWLEDGED:
        return _judged(found, reached)
    if not await ledger.wait_written(_WRITTEN_S):
        says = f"{ledger.node}: its log is not on the disk after {_WRITTEN_S:g} s"
        return Achieved(done=None, says=says, measured=_measured(found, reached))
    found = await _look(world, ledger, reached)
    if found.left or found.strange:
        return _judged(found, reached)
    return await _nothing(ledger, reached)


async def keys_of(world: World) -> BusinessKeys:
    """What the logs of all servers tell of business keys; of one that does not answer, what is
    known by now."""
    keys = BusinessKeys(world.key_columns)
    for found in await asyncio.gather(*map(_glance, world.ledgers.values())):
        keys.learn(found)
    return keys


async def _glance(ledger: WalLedger) -> tuple[Committed, ...]:
    try:
        return await ledger.read(timeout_s=_OTHERS_ANSWER_S)
    except EnvironmentFailed:
        return ledger.known()


async def _look(world: World, ledger: WalLedger, reached: Reached) -> _Found:
    committed = await ledger.read(timeout_s=_ANSWER_S)
    keys = await keys_of(world)
    key, detail = keys.same(reached.address.key or NO_KEY), reached.effect.detail
    own = [one for one in committed if key in (keys.of(one) or {NO_KEY})]
    logged = [detail_of(one) for one in own]
    places = unaccounted(logged, detail, reached.earlier, reached.others)
    strange = 0
    if key == NO_KEY:
        strange = sum(
            likeness(detail, detail_of(one)) > Likeness.NONE for one in committed if keys.of(one)
        )
    return _Found(left=tuple(own[place] for place in places), strange=strange)


def _judged(found: _Found, reached: Reached) -> Achieved:
    node, of_key = reached.effect.server, _of_key(reached)
    measured = _measured(found, reached)
    if not found.left:
        says = f"{node}: no commit like it{of_key} but the {reached.earlier} before it"
        if found.strange:
            says += f", and {found.strange} like it of keys that the wire does not know"
        return Achieved(done=None if found.strange else False, says=says, measured=measured)
    last = found.left[-1]
    wrote = " and ".join(detail_of(last))
    says = (
        f"{node}: transaction {last.transaction.xid}{of_key}, committed at "
        f"{last.transaction.lsn}, wrote {wrote}"
    )
    if len(found.left) <= reached.doubtful:
        says += f"; it may be one of {reached.doubtful} earlier ones that were never answered"
        return Achieved(done=None, says=says, measured=measured)
    possible = likeness(reached.effect.detail, detail_of(last)) is Likeness.POSSIBLE
    if possible and reached.outcome is not Outcome.ACKNOWLEDGED:
        says += "; it may be another's"
        return Achieved(done=None, says=says, measured=measured)
    return Achieved(done=True, says=says, measured=measured)


async def _nothing(ledger: WalLedger, reached: Reached) -> Achieved:
    """Acknowledged, and not in the log."""
    rolled_back = await ledger.rolled_back()
    measured = {**_measured(_Found(()), reached), "rolled_back": rolled_back}
    if rolled_back:
        says = (
            f"{ledger.node}: the commit{_of_key(reached)} was acknowledged and is not in the log: "
            f"it changed no row, or is one of {rolled_back} transactions that were rolled back"
        )
        return Achieved(done=None, says=says, measured=measured)
    says = (
        f"{ledger.node}: the transaction{_of_key(reached)} was committed and changed no row: "
        "before and after it are one state"
    )
    return Achieved(done=True, says=says, measured={**measured, "changed_nothing": True})


def _measured(found: _Found, reached: Reached) -> dict[str, Any]:
    return {
        "earlier": reached.earlier,
        "doubtful": reached.doubtful,
        "found": [
            {
                "database": one.database,
                "xid": one.transaction.xid,
                "lsn": one.transaction.lsn,
                "wrote": list(detail_of(one)),
            }
            for one in found.left
        ],
    }


def _of_key(reached: Reached) -> str:
    key = reached.address.key
    return f" of key {key}" if key not in {None, NO_KEY} else ""
