"""Ours: the family in Flink SQL with duplicates handled, from the parts that the product's jobs are made of.

Strict JSON and validity, the first copy of each event by `COUNT(*) OVER`, `novelty` for distinct users, sums in two phases,
rows to an upsert topic twice a second; state in RocksDB, checkpoints as the product has them.
"""

from __future__ import annotations

from pipelines.settings import Settings
from tests.bench.family.contract import read_spec
from tests.bench.family.flink_run import finish_with_result, new_group, own_sql, result_topic, run, source_statements

NAME = "bench-family"


def main() -> None:
    spec, settings, group = read_spec(), Settings(), new_group(NAME)
    with result_topic(spec, settings) as (sink, create):
        *views, insert = own_sql("flink_family.sql", sink=sink)
        definitions = [*source_statements(spec, settings, group), create, *own_sql("flink_event.sql", rows="counted"), *views]
        ran = run(settings, definitions, [insert], NAME, group)
        finish_with_result(spec, settings, sink, ran)


if __name__ == "__main__":
    main()
