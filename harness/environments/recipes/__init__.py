"""How a role runs natively: one file a role, each turning a node into something to execute."""
