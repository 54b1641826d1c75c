"""The only place with an event loop: what runs a scenario."""
