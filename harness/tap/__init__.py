"""The tap: one process that stands on every link, forwards bytes, reads them and can stop them.

Runs by itself (`python -m harness.tap`), in the run's outer namespace, with one event loop, so
that what it sees has one order. The harness tells it what to do through a socket (`messages`).
"""
