"""Broken twins of the shop's patterns: see suite.py."""
