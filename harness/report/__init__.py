"""A stored run, shown to people and to machines: HTML, terminal, JUnit, Markdown.

Everything here reads a run directory and nothing else: no node, no client, no clock.
"""
