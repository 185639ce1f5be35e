"""The limit: librdkafka reads, and nothing looks into a record."""

from __future__ import annotations

import time

from tests.bench.consumer import BATCH, reader
from tests.bench.family.contract import finish, read_spec


def main() -> None:
    spec = read_spec()
    consumer = reader(spec.bootstrap, spec.partitions)
    left = spec.records - len(consumer.consume(1, timeout=60))
    began = time.time()
    while left and (messages := consumer.consume(min(BATCH, left), timeout=60)):
        left -= len(messages)
    ended = time.time()
    consumer.close()
    finish(spec, [], began=began, ended=ended, records=spec.records - left)


if __name__ == "__main__":
    main()
