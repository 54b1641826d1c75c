"""Cuts as evidence: the one that was meant, the one that came of it, and whether they differ."""

from collections.abc import Mapping
from typing import Any

from faults.point import Point
from harness.model.cut import Achieved, Reached, When
from harness.model.effect import Outcome

Document = Mapping[str, Any]


def intended(point: Point, reached: Reached | None) -> Document:
    """What was asked for, and which effect it turned out to be; None of that while unreached."""
    return {
        "address": None if reached is None else reached.address.text,
        "asked": point.address.text,
        "when": point.trigger.when.value,
        "node": point.node,
        "effect": None if reached is None else _effect(reached),
    }


def _effect(reached: Reached) -> Document:
    effect = reached.effect
    return {
        "client": effect.client,
        "server": effect.server,
        "kind": effect.kind.value,
        "detail": list(effect.detail),
        "keys": list(effect.keys),
        "occurrence": reached.address.occurrence,
    }


def achieved(reached: Reached | None, word: Achieved | None) -> Document | None:
    """Where the process was really stopped. `when` and `done` are None where the store could not
    say; the whole is None where nothing was reached, or its store never asked."""
    if reached is None or word is None:
        return None
    return {
        "when": None if word.done is None else _side(word.done).value,
        "done": word.done,
        "says": word.says,
        "outcome": reached.outcome.value,
        "unanswered": [a.text for effect in reached.unanswered for a in effect.addresses],
        "measured": dict(word.measured),
    }


def misfired(node: str, reached: Reached, word: Achieved) -> str | None:
    """Both cuts in one sentence, None where they are one or the store could not say."""
    if word.done is None:
        return None
    meant = f"{node} was to be struck {reached.when.value} {reached.address}"
    if not word.agrees(reached.when):
        return f"{meant}, and was struck {_side(word.done).value} it: {word.says}"
    if reached.when is When.AFTER and reached.outcome is Outcome.FAILED:
        return f"{meant}, which {reached.effect.server} answered with a failure: {word.says}"
    return None


def _side(done: bool) -> When:
    return When.AFTER if done else When.BEFORE
