"""What idempotent producers have sent: a retry says again what was said, and keeps its address."""

from collections.abc import Hashable, Mapping, Sequence

from harness.model.address import NO_KEY
from harness.model.effect import Effect
from harness.trace.bounded import trim

_MOST = 4096

Place = tuple[str, str, tuple[str, ...]]
"""Client, server, and the topics of the request."""


class Repeats:
    """Batches by what is the same in their retries."""

    __slots__ = ("_sent",)

    def __init__(self) -> None:
        self._sent: dict[Hashable, tuple[Place, Mapping[str, int]]] = {}

    def occurrences(
        self, place: Place, identities: Sequence[Hashable | None]
    ) -> Mapping[str, int] | None:
        """Key → occurrence, if every batch of a request was sent before from and to this place."""
        found: dict[str, int] = {}
        for identity in identities:
            sent = None if identity is None else self._sent.get(identity)
            if sent is None or sent[0] != place:
                return None
            found.update(sent[1])
        return found

    def remember(self, place: Place, identities: Sequence[Hashable | None], effect: Effect) -> None:
        """A request with these batches is on its way."""
        if not any(identities):
            return
        occurrences = {a.key or NO_KEY: a.occurrence or 1 for a in effect.addresses}
        for identity in identities:
            if identity is not None:
                self._sent[identity] = (place, occurrences)
        trim(self._sent, _MOST)
