"""kafka-python's names, imported without its noise; import it from here only.

It reads its protocol schemas with `importlib.resources.open_text` while it is imported, which
Python 3.11 and 3.12 call deprecated: an error wherever warnings are errors. And it logs each
failed connection as an error, which to a harness that breaks connections is an answer.
"""

import logging
import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", r"(open|read)_text is deprecated", DeprecationWarning)
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.admin import OffsetSpec
    from kafka.errors import KafkaError, KafkaTimeoutError, TransactionalIdNotFoundError
    from kafka.net.compat import KafkaNetClient
    from kafka.protocol.consumer import FetchRequest
    from kafka.record import MemoryRecords

logging.getLogger("kafka").setLevel(logging.CRITICAL)

__all__ = [
    "FetchRequest",
    "KafkaAdminClient",
    "KafkaConsumer",
    "KafkaError",
    "KafkaNetClient",
    "KafkaProducer",
    "KafkaTimeoutError",
    "MemoryRecords",
    "OffsetSpec",
    "TopicPartition",
    "TransactionalIdNotFoundError",
]
