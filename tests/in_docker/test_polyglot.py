"""The pattern whose payments are in another language and in another make of database, in containers."""

from tests.command import Aftershock

FAULT = "kill-between-publish-and-mark"


def test_services_in_two_languages_keep_what_one_keeps(aftershock: Aftershock) -> None:
    """Its second outbox is struck, in JavaScript and MariaDB; and what is judged is read from there."""
    answer = aftershock(
        "run", "shop", "--backend", "docker", "--pattern", "polyglot", "--fault", FAULT,
        "--seed", "7", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err[-3000:]
    (scenario,) = answer.json["scenarios"]
    (fault,) = scenario["faults"]
    own = {"payments-told", "receipt-exactly-once", "payment-outbox-drained", "money-conserved"}

    assert scenario["verdict"] == "PASS", scenario["reason"]
    assert fault["proved"] and fault["target"] == "payment-relay", fault
    assert all(scenario["checked"][invariant] > 0 for invariant in own)
