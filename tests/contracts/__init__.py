"""What is promised to others: the wire format, what is generated from it, and the tables."""

from pathlib import Path

import schemas

EXAMPLES = Path(schemas.__file__).parent / "examples"
RECEIVED_MS = 1_772_380_680_000
"""The Kafka timestamp that the examples are judged at; most of them happened just then."""
