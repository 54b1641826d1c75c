"""Oracles: SQL over a stored scenario's Parquet, and what its answers merge to.

`read_invariants` and `judge` turn a stored scenario into a judgement with evidence;
`results_document` and `exit_code` sum up a run. Nothing here touches a running system.
"""

from harness.checkers.invariant import Invariant, Invariants, read_invariants
from harness.checkers.judge import judge
from harness.checkers.results import exit_code, results_document, sentence

__all__ = [
    "Invariant",
    "Invariants",
    "exit_code",
    "judge",
    "read_invariants",
    "results_document",
    "sentence",
]
