"""Traces: what passed on the wire, as frames, and the effects in it, with their addresses."""
