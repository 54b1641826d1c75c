"""What a stored run's records say of themselves."""

from harness.model.hazard import Hazard, Watch
from harness.model.record import Judged
from harness.model.verdict import Judgement, Verdict


def test_a_judged_scenario_has_its_judgements_verdict() -> None:
    """There is one verdict, and the judgement holds it."""
    judgement = Judgement(verdict=Verdict.LIVENESS, reason="the outbox never emptied")
    assert Judged(judgement=judgement, as_expected=False).verdict is Verdict.LIVENESS


def test_a_judged_scenarios_hazards_are_those_of_its_rules() -> None:
    """In the rules' order; a silent rule has none."""

    def hazard(node: str) -> Hazard:
        return Hazard(rule="r", says="", node=node, summary="", count=1, keys=("1",))

    told = Judged(
        judgement=Judgement(verdict=Verdict.PASS, reason=""),
        as_expected=True,
        watches=(
            Watch(rule="r", says="", judged=3, hazards=(hazard("order"), hazard("billing"))),
            Watch(rule="s", says="", judged=9),
        ),
    )
    assert [h.node for h in told.hazards] == ["order", "billing"]
    assert told.verdict is Verdict.PASS
