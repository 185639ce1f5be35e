"""Plain Python: confluent-kafka and orjson in one process, with or without a set of ids."""

from __future__ import annotations

from tests.bench.consumer import count, reader
from tests.bench.family.contract import finish, read_spec, result_row


def main() -> None:
    spec = read_spec()
    consumer = reader(spec.bootstrap, spec.partitions)
    counted = count(consumer, spec.records, once=spec.options.get("once", False))
    consumer.close()
    rows = (result_row(room, window, row) for (room, window), row in counted.rows.items())
    finish(spec, rows, began=counted.began, ended=counted.ended, records=counted.records.total())


if __name__ == "__main__":
    main()
