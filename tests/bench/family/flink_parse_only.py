"""The limit: every topic read, parsed and checked by the product's source tables, and thrown away. No rows come out."""

from __future__ import annotations

from pipelines.settings import Settings
from schemas.generate.flink import columns
from tests.bench.family.contract import finish, read_spec
from tests.bench.family.flink_run import family_topics, new_group, run, source_statements

NAME = "bench-parse-only"


def main() -> None:
    spec, settings, group = read_spec(), Settings(), new_group(NAME)
    definitions = [s for s in source_statements(spec, settings, group) if s.startswith("CREATE TEMPORARY TABLE")]
    inserts = []
    for topic in family_topics():
        name, read = topic.name, columns(topic) | {"record_time": "TIMESTAMP_LTZ(3)"}
        types = ", ".join(f"`{column}` {kind}" for column, kind in read.items())
        definitions.append(f"CREATE TEMPORARY TABLE `{name}_nowhere` ({types}) WITH ('connector' = 'blackhole')")
        inserts.append(f"INSERT INTO `{name}_nowhere` SELECT {', '.join(f'`{column}`' for column in read)} FROM `{name}_record`")
    ran = run(settings, definitions, inserts, NAME, group)
    finish(spec, [], began=ran.began, ended=ran.ended, records=spec.records)


if __name__ == "__main__":
    main()
