"""What whoever writes a suite needs, in one place: `from harness.suite import Pattern, Suite, …`.

A suite is a folder with a `suite.py` that defines `SUITE`; `aftershock run FOLDER` takes its path.
"""

from harness.model.effects import DeadLetters, Effects
from harness.model.guarantees import Acknowledged, Conserved, Replica, Retries, Sum, Table
from harness.model.outbox import Aggregate, Outbox
from harness.model.request import Request
from harness.model.saga import Saga, Step
from harness.model.scenario import ANY_FAULT, Hop, Pattern
from harness.model.steady import Answers, Counts, Lag
from harness.model.store_query import LoggedChanges, Published, StoreQuery
from harness.model.suite import Suite
from harness.model.topic import Topic

__all__ = [
    "ANY_FAULT",
    "Acknowledged",
    "Aggregate",
    "Answers",
    "Conserved",
    "Counts",
    "DeadLetters",
    "Effects",
    "Hop",
    "Lag",
    "LoggedChanges",
    "Outbox",
    "Pattern",
    "Published",
    "Replica",
    "Request",
    "Retries",
    "Saga",
    "Step",
    "StoreQuery",
    "Suite",
    "Sum",
    "Table",
    "Topic",
]
