"""A broken twin of kafka-transactions: see suite.py."""
