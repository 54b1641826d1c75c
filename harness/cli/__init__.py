"""The command: the composition root, the only part that sees faults and suites."""

from harness.cli.app import main

__all__ = ["main"]
