"""A topic of events, as a suite declares it."""

from dataclasses import dataclass

from harness.model.declaration import require, require_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic whose records are events, and where in a record the event's id stands."""

    name: str
    header: str | None = None
    """The record header that holds the event's id."""
    field: str | None = None
    """The field of the record's value, a JSON object, that holds it; dots lead into inner objects.
    Neither a header nor a field: the record's key is the event's id."""
    version: str | None = None
    """The field that holds the number of the change in its key's history: 1, 2, … Each event has a
    number of its own."""
    at_most: int | None = None
    """How many records an event may have, deliveries again included; None: any number."""

    def __post_init__(self) -> None:
        require_names(
            self, name=self.name, header=self.header, field=self.field, version=self.version
        )
        require(
            self.header is None or self.field is None,
            self,
            "the event's id stands in a header or in a field, not in both",
        )
        require(
            self.at_most is None or self.at_most > 0,
            self,
            f"at_most={self.at_most}: a bound below 1 forbids every event",
        )
