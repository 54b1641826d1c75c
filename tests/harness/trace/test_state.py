"""What stays when a scenario begins, and what does not."""

from harness.trace.state import State


def test_what_servers_keep_stays() -> None:
    """Names of topics and positions of slots; keys and what stands for them are the scenario's."""
    state = State(frozenset({"a"}))
    state.topics.learn("id", "orders")
    state.slots.of("db", "s").flush(100)
    state.aliases.learn("17", ["7f8ac0d8-93a4-4c1e-8f6e-0d5b6b8f2a01"])
    state.records.appended(("orders", 0), 0, ("17",))
    ledger = state.ledger
    state.begin(frozenset({"b"}))
    assert state.topics.name("id") == "orders"
    assert state.slots.of("db", "s").flush(100) is None
    assert (len(state.aliases), state.records.read("g", ("orders", 0), 1)) == (0, ())
    assert state.key_columns == {"b"}
    assert state.ledger is not ledger
    assert state.statements.keys("DELETE FROM t WHERE b = 17", []) == ("17",)
