"""The stores' word on an effect, while its process is held still: is it there or not?

What passed on the wire is what was asked for and what was answered; whether a cut lies where it
was meant is for the stores to say. Commits are looked for in the write-ahead log, records and
offsets in the brokers' logs, a flush in the slot. HTTP has no store: there the wire's word counts.
"""

import asyncio
import time

from harness.engine.proof_commit import commit
from harness.engine.proof_kafka import end_txn, offset_commit, produce
from harness.engine.world import World
from harness.errors import EnvironmentFailed
from harness.model.cut import Achieved, Reached, When
from harness.model.effect import EffectKind, Outcome
from harness.wire.replication_events import lsn_number

_LATE_S = {
    EffectKind.FLUSH: 2.0,
    EffectKind.PRODUCE: 1.0,
    EffectKind.OFFSET_COMMIT: 1.0,
    EffectKind.END_TXN: 1.0,
}
"""What nothing answers is done a little later than it is asked for; a record is seen once all
replicas have it, a transaction's end once its markers are written."""
_POLL_S = 0.02


class StoreProof:
    """Asks the stores of a world; implements `harness.stage.CutProof`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def achieved(self, reached: Reached) -> Achieved:
        """A store that does not answer could not say; its reason is in `says`."""
        kind = reached.effect.kind
        ends = time.monotonic() + (_LATE_S.get(kind, 0.0) if _is_expected(reached) else 0.0)
        try:
            while True:
                word = await _ASKED[kind](self._world, reached)
                if word.done is not False or time.monotonic() > ends:
                    return word
                await asyncio.sleep(_POLL_S)
        except EnvironmentFailed as failed:
            return Achieved(done=None, says=f"{reached.effect.server} could not say: {failed}")


def _is_expected(reached: Reached) -> bool:
    """Whether the effect has to be there, by what passed on the wire."""
    if reached.when is When.BEFORE:
        return False
    return reached.outcome is Outcome.ACKNOWLEDGED or not reached.effect.is_answered


async def _flush(world: World, reached: Reached) -> Achieved:
    """Whether the slot has confirmed the position."""
    effect = reached.effect
    postgres = world.postgres.get(effect.server)
    if postgres is None or effect.lsn is None:
        return Achieved(done=None, says=f"{effect.server}: nobody knows slot {effect.slot}")
    slot = next((s for s in await postgres.slots() if s.slot == effect.slot), None)
    confirmed = None if slot is None else slot.confirmed_flush_lsn
    measured = {"slot": effect.slot, "lsn": effect.lsn, "confirmed_flush_lsn": confirmed}
    if confirmed is None:
        says = f"{effect.server}: there is no slot {effect.slot} that confirms anything"
        return Achieved(done=None, says=says, measured=measured)
    return Achieved(
        done=lsn_number(confirmed) >= lsn_number(effect.lsn),
        says=f"{effect.server}: slot {effect.slot} has confirmed {confirmed}, "
        f"and was to confirm {effect.lsn}",
        measured=measured,
    )


async def _http(_: World, reached: Reached) -> Achieved:
    """The wire's word: an answer of any status says that the request was dealt with."""
    done = reached.outcome is not Outcome.REQUESTED
    told = "was answered" if done else "has no answer"
    says = f"{' '.join(reached.effect.detail)} {told}; that is the wire's word, there is no store"
    return Achieved(done=done, says=says, measured={"outcome": reached.outcome.value})


_ASKED = {
    EffectKind.COMMIT: commit,
    EffectKind.PRODUCE: produce,
    EffectKind.OFFSET_COMMIT: offset_commit,
    EffectKind.END_TXN: end_txn,
    EffectKind.FLUSH: _flush,
    EffectKind.HTTP: _http,
}
