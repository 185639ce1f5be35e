"""PyFlink with one function in Python for each event, as a user would write it; copies count.

What is around the function is Flink's own, with the settings that are best for it: state on the heap without a time limit,
distinct users as sets in one phase, mini-batches, checkpoints and the sink as ours. The option `mode` says where the function
runs: in Python processes beside the TaskManager (`process`), or in the TaskManager itself (`thread`).
"""

from __future__ import annotations

from pipelines.settings import Settings
from tests.bench.family.contract import read_spec
from tests.bench.family.flink_run import finish_with_result, new_group, own_sql, plain_tables, result_topic, run


def main() -> None:
    from pyflink.table import DataTypes
    from pyflink.table.udf import udf

    spec, settings = read_spec(), Settings()
    mode = spec.options["mode"]
    name = f"bench-udf-{mode}"
    group = new_group(name)
    # A lambda goes to the workers as code: they need not find this module.
    slot = udf(lambda event_time: event_time // 10_000 * 10_000, input_types=[DataTypes.BIGINT()], result_type=DataTypes.BIGINT())
    changed = {
        "python.execution-mode": mode,
        "state.backend.type": "hashmap",
        "execution.checkpointing.incremental": "false",
        "table.exec.state.ttl": "0",
        "table.optimizer.agg-phase-strategy": "ONE_PHASE",
    }
    with result_topic(spec, settings) as (sink, create):
        *views, insert = own_sql("flink_udf.sql", sink=sink)
        definitions = [*plain_tables(spec, group), create, *own_sql("flink_event.sql", rows="plain"), *views]
        ran = run(settings, definitions, [insert], name, group, changed=changed, functions={"slot": slot})
        finish_with_result(spec, settings, sink, ran)


if __name__ == "__main__":
    main()
