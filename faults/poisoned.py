"""A link with a toxic: what it carries is late, slow, in pieces, cut short, reset or lost."""

from collections.abc import Mapping
from typing import Any

from faults import probing
from faults.symptoms import SYMPTOMS
from faults.toxic import Poison
from harness.errors import EnvironmentFailed
from harness.model.fault import Probe
from harness.model.system import Link
from harness.stage import Conversation, Stage, Toxics

_PRIMED_S = 5.0


class Poisoned:
    """One link, for a while. What shows it is measured on connections of the harness's own, by way
    of the client's tap: one that was there before the toxic, and one that was made under it."""

    def __init__(self, stage: Stage, *, poison: Poison, link: Link, name: str) -> None:
        self.name = name
        self.target = str(link)
        self.duration_s = poison.duration_s
        self._poison = poison
        self._link = link
        self._given = stage.toxics
        self._symptom = SYMPTOMS[poison.ail](poison)
        self._old: Conversation | None = None
        """Made before the toxic."""

    def undo(self) -> Mapping[str, Any]:
        return {"cleanse": [self._link.client, self._link.server]}

    async def before(self) -> Probe:
        probe = await self._healthy()
        self._old = await self._conversation()
        return probe

    async def inject(self) -> bool:
        await self._toxics.add(self._link, self._poison.toxics)
        return True

    async def during(self) -> Probe:
        if self._old is None:
            raise EnvironmentFailed(f"{self.name} is measured without a connection from before")
        return self._named(
            await self._symptom.ill(self._old, lambda s: self._toxics.greet(self._link, s))
        )

    async def heal(self) -> None:
        await self._let_go()
        await self._toxics.cleanse(self._link)

    async def after(self) -> Probe:
        await self._let_go()
        last: list[Probe] = []

        async def healthy() -> bool:
            try:
                last[:] = [await self._healthy()]
            except EnvironmentFailed as failed:
                last[:] = [self._named(Probe(shown=False, says=str(failed)))]
            return last[0].shown

        await probing.until(healthy, probing.RECOVERY_TIMEOUT_S)
        return last[0]

    def achieved(self) -> Mapping[str, Any]:
        """What was put on the link."""
        toxics = [
            {"type": t.type, "stream": t.stream.value, **t.attributes} for t in self._poison.toxics
        ]
        return {"link": str(self._link), "toxics": toxics}

    async def _healthy(self) -> Probe:
        conversation = await self._conversation()
        try:
            return self._named(await self._symptom.healthy(conversation))
        finally:
            await conversation.close()

    async def _conversation(self) -> Conversation:
        """That has been answered once."""
        conversation = await self._toxics.converse(self._link)
        heard = await conversation.ask(timeout_s=_PRIMED_S)
        if not heard.whole:
            await conversation.close()
            raise EnvironmentFailed(f"{self._link}: a new connection is not answered")
        return conversation

    async def _let_go(self) -> None:
        if self._old is not None:
            old, self._old = self._old, None
            await old.close()

    def _named(self, probe: Probe) -> Probe:
        return Probe(
            shown=probe.shown,
            says=f"{self._link}: {probe.says}",
            measured={"link": str(self._link), **probe.measured},
        )

    @property
    def _toxics(self) -> Toxics:
        if self._given is None:
            raise EnvironmentFailed(f"{self.name} needs Toxiproxy, and this run has none")
        return self._given
