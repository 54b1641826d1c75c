"""Clients of the outside world: asyncio, with a deadline on every call."""
