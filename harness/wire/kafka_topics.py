"""Which topic an id stands for: newer requests name topics by id only.

Learnt from Metadata answers, on whichever connection they pass; all connections of a system may
share one `TopicNames`.
"""

_MOST_TOPICS = 10_000
"""More are not learnt: garbage must not fill the memory."""


class TopicNames:
    """Names by id, as far as they are known."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def learn(self, topic_id: str, name: str) -> None:
        if len(self._names) < _MOST_TOPICS:
            self._names[topic_id] = name

    def name(self, topic_id: str) -> str:
        """The name, or the id itself."""
        return self._names.get(topic_id, topic_id)
