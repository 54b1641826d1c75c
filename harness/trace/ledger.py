"""The effects of a scenario in their one order: what was asked for, and what became of it.

An effect is asked for once and settled once: acknowledged, failed, or, where its connection ends
before an answer, left in doubt. What was done and what is in doubt is counted by likeness (this
server's commits of this detail and key, this topic's records of this key), whoever did it.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from harness.model.address import NO_KEY, Address
from harness.model.effect import Effect, EffectKind, Outcome, Position
from harness.trace.bounded import trim
from harness.trace.occurrences import Occurrences

Like = tuple[str, ...]
"""What is counted together."""


class Link(NamedTuple):
    """A connection of one node to another; its number is its own in all of the scenario."""

    client: str
    server: str
    connection: int


class Part(NamedTuple):
    """What of an effect is done or not done by itself."""

    identity: Hashable
    """The same in a request that repeats it, such as an idempotent producer's."""
    likes: tuple[tuple[Like, int], ...]
    """What there will be more of, and how many, once it is done."""


class _UnderWay(NamedTuple):
    """An effect that has no answer yet."""

    effect: Effect
    link: Link
    end: int
    parts: tuple[Part, ...]
    """Empty: it is one, of which there is one for each key."""

    @property
    def all_parts(self) -> tuple[Part, ...]:
        return self.parts or (_whole(self.effect),)


_MOST_REMEMBERED = 4096
"""Settled effects of which it is known what they added; and acknowledged idempotent batches."""

_MOST_DOUBTS = 65_536
"""Beyond these the oldest are forgotten; what nothing answers is in doubt for ever."""

_MOST_LIKES = 1_000_000


class Ledger:
    """Numbers effects, counts them, and knows which are under way."""

    __slots__ = (
        "_added",
        "_done",
        "_doubts",
        "_known",
        "_number",
        "_occurrences",
        "_under_way",
    )

    def __init__(self) -> None:
        self._number = 0
        self._occurrences = Occurrences()
        self._under_way: dict[int, _UnderWay] = {}
        self._done: dict[Like, int] = {}
        self._doubts: dict[Hashable, Part] = {}
        self._added: dict[int, tuple[Part, ...] | None] = {}
        self._known: dict[Hashable, None] = {}

    def ask(
        self,
        link: Link,
        end: int,
        kind: EffectKind,
        detail: tuple[str, ...],
        keys: tuple[str, ...],
        *,
        parts: tuple[Part, ...] = (),
        repeats: Mapping[str, int] | None = None,
        positions: tuple[Position, ...] = (),
        group: str | None = None,
        slot: str | None = None,
        lsn: str | None = None,
        transactional_id: str | None = None,
        is_answered: bool = True,
    ) -> Effect:
        """An effect is asked for by a request that ends at `end`: it gets its number and its
        addresses.

        Without `parts` it is one, of which there is one for each key. `repeats` has the
        occurrence of each key where the request says again what an earlier one said.
        """
        self._number += 1
        client, server, connection = link
        effect = Effect(
            number=self._number,
            client=client,
            server=server,
            connection=connection,
            kind=kind,
            detail=detail,
            keys=keys,
            addresses=self._occurrences.addresses(
                (client, server, kind.value, detail), keys, repeats
            ),
            positions=positions,
            group=group,
            slot=slot,
            lsn=lsn,
            transactional_id=transactional_id,
            is_answered=is_answered,
        )
        if is_answered:
            self._under_way[effect.number] = _UnderWay(effect, link, end, parts)
        else:
            parts = parts or (_whole(effect),)
            self._doubt(parts)
            self._remember(effect, parts)
        return effect

    def settle(self, effect: Effect, outcome: Outcome, done: Sequence[bool | None] = ()) -> None:
        """The answer to an effect. `done` says of each part whether it is done (None: nobody
        knows) where one outcome for all would not be true."""
        under_way = self._under_way.pop(effect.number, None)
        if under_way is None:
            return
        if not under_way.parts and not done:
            self._settle_whole(effect, outcome)
            return
        parts = under_way.all_parts
        verdicts = done or (outcome is Outcome.ACKNOWLEDGED,) * len(parts)
        left = []
        for part, is_done in zip(parts, verdicts, strict=False):
            if is_done:
                self._add(part)
            elif is_done is None:
                self._doubt((part,))
            if is_done is not False:
                left.append(part)
        self._remember(effect, tuple(left))

    def _settle_whole(self, effect: Effect, outcome: Outcome) -> None:
        """The quick way for what is one, and has one outcome."""
        if outcome is not Outcome.ACKNOWLEDGED:
            self._remember(effect, ())
            return
        done = self._done
        for key in effect.keys or (NO_KEY,):
            for like in likes_of(effect, key):
                done[like] = done.get(like, 0) + 1
        trim(done, _MOST_LIKES)
        self._remember(effect, None)

    def close(self, link: Link, delivered: int | None = None) -> None:
        """A connection has ended. What it had asked for is in doubt; unless it lies beyond the
        first `delivered` bytes of its client, the ones that the server was given."""
        ended = [u for u in self._under_way.values() if u.link == link]
        for under_way in ended:
            if delivered is None or under_way.end <= delivered:
                self.doubt(under_way.effect)
            else:
                self.withdraw(under_way.effect)

    def doubt(self, effect: Effect) -> None:
        """It was answered by something that says nothing of it."""
        under_way = self._under_way.pop(effect.number, None)
        if under_way is not None:
            parts = under_way.all_parts
            self._doubt(parts)
            self._remember(effect, parts)

    def withdraw(self, effect: Effect) -> None:
        """The request never reached its server."""
        self._under_way.pop(effect.number, None)

    def count(self, pattern: Address) -> int:
        """How many effects so far the pattern covers, its occurrence apart."""
        return self._occurrences.count(pattern)

    def earlier(self, effect: Effect, address: Address) -> tuple[int, int]:
        """How many like the effect at this address of its are done, and how many in doubt; it
        itself is in neither."""
        likes = set(likes_of(effect, address.key or NO_KEY))
        under_way = self._under_way.get(effect.number)
        own = under_way.all_parts if under_way else self._left(effect)
        own_identities = {part.identity for part in own}
        counted = (
            self._left_done(own) if under_way is None else [p for p in own if self._is_known(p)]
        )
        done = sum(self._done.get(like, 0) for like in likes)
        done -= sum(_sum(part, likes) for part in counted)
        doubts = dict(self._doubts)
        for other in self._under_way.values():
            doubts.update((part.identity, part) for part in other.all_parts)
        doubtful = sum(_sum(p, likes) for i, p in doubts.items() if i not in own_identities)
        return max(done, 0), doubtful

    def is_done(self, effect: Effect) -> bool:
        """Whether all that an effect under way asks for was done by requests that it repeats."""
        under_way = self._under_way.get(effect.number)
        return under_way is not None and all(map(self._is_known, under_way.all_parts))

    def _is_known(self, part: Part) -> bool:
        return part.identity in self._known

    def _left_done(self, left: tuple[Part, ...]) -> list[Part]:
        return [part for part in left if part.identity not in self._doubts]

    def _left(self, effect: Effect) -> tuple[Part, ...]:
        """What of a settled effect is done or in doubt."""
        left = self._added.get(effect.number, ())
        return (_whole(effect),) if left is None else left

    def others(self, effect: Effect, address: Address) -> dict[tuple[str, ...], int]:
        """Of a commit: the details of other ones of this key on that server, and how many of each
        are done."""
        if effect.kind is not EffectKind.COMMIT:
            return {}
        key = address.key or NO_KEY
        start = (EffectKind.COMMIT.value, effect.server)
        return {
            like[2:-1]: number
            for like, number in self._done.items()
            if like[:2] == start and like[-1] == key and like[2:-1] != effect.detail
        }

    def unanswered(self, node: str) -> tuple[Effect, ...]:
        """Effects under way that the node asked for or was asked for, in their order."""
        return tuple(
            [
                under_way.effect
                for under_way in self._under_way.values()
                if node in {under_way.link.client, under_way.link.server}
            ]
        )

    def _add(self, part: Part) -> None:
        """A part is done; it is counted once, however often it was repeated."""
        if isinstance(part.identity, tuple):
            if part.identity in self._known:
                return
            self._known[part.identity] = None
            trim(self._known, _MOST_REMEMBERED)
        self._doubts.pop(part.identity, None)
        for like, number in part.likes:
            self._done[like] = self._done.get(like, 0) + number
        trim(self._done, _MOST_LIKES)

    def _doubt(self, parts: Iterable[Part]) -> None:
        for part in parts:
            if part.identity not in self._known:
                self._doubts[part.identity] = part
        trim(self._doubts, _MOST_DOUBTS)

    def _remember(self, effect: Effect, parts: tuple[Part, ...] | None) -> None:
        """What of it is done or in doubt; None: all of it is done, and it has one part."""
        self._added[effect.number] = parts
        trim(self._added, _MOST_REMEMBERED)


def likes_of(effect: Effect, key: str) -> tuple[Like, ...]:
    """What an effect with this key adds to: records of each topic, positions of each group in
    each topic, whatever the broker; of all else effects of this detail on this server."""
    kind = effect.kind.value
    if effect.kind is EffectKind.PRODUCE or effect.kind is EffectKind.OFFSET_COMMIT:
        return tuple([(kind, part, key) for part in effect.detail])
    return ((kind, effect.server, *effect.detail, key),)


def _whole(effect: Effect) -> Part:
    likes = [(like, 1) for key in effect.keys or (NO_KEY,) for like in likes_of(effect, key)]
    return Part(effect.number, tuple(likes))


def _sum(part: Part, likes: set[Like]) -> int:
    return sum(number for like, number in part.likes if like in likes)
