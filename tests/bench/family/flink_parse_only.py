"""The limit: every topic read and parsed by the product's source tables, all fields, and thrown away. No rows come out."""

from __future__ import annotations

from pipelines.settings import Settings
from schemas.events import EVENTS
from schemas.rules import field_rules
from tests.bench.family.contract import finish, read_spec
from tests.bench.family.flink_run import new_group, run, source_statements

NAME = "bench-parse-only"


def main() -> None:
    spec, settings, group = read_spec(), Settings(), new_group(NAME)
    definitions = [s for s in source_statements(spec, settings, group) if s.startswith("CREATE TEMPORARY TABLE")]
    inserts = []
    for name in spec.topics:
        rules = field_rules(EVENTS[name])
        types = ", ".join(f"`{rule.name}` {'BIGINT' if rule.kind == 'integer' else 'STRING'}" for rule in rules)
        nowhere = (
            f"CREATE TEMPORARY TABLE `{name}_nowhere` ({types}, `record_time` TIMESTAMP_LTZ(3)) WITH ('connector' = 'blackhole')"
        )
        definitions.append(nowhere)
        columns = ", ".join(f"`{rule.name}`" for rule in rules)
        inserts.append(f"INSERT INTO `{name}_nowhere` SELECT {columns}, `record_time` FROM `{name}_record`")
    ran = run(settings, definitions, inserts, NAME, group)
    finish(spec, [], began=ran.began, ended=ran.ended, records=spec.records)


if __name__ == "__main__":
    main()
