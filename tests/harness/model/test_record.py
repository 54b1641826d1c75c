"""What a stored run's records say of themselves."""

from harness.model.record import Judged
from harness.model.verdict import Judgement, Verdict


def test_a_judged_scenario_has_its_judgements_verdict() -> None:
    """There is one verdict, and the judgement holds it."""
    judgement = Judgement(verdict=Verdict.LIVENESS, reason="the outbox never emptied")
    assert Judged(judgement=judgement, as_expected=False).verdict is Verdict.LIVENESS
