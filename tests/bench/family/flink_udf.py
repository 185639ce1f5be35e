"""PyFlink with one function in Python for each event, as a user would write it; copies count.

What is around the function is Flink's own, with the settings that are best for it: state on the heap without a time limit,
distinct users as sets in one phase, mini-batches, checkpoints and the sink as ours. `flink_udf_process` runs the function in
Python processes beside the TaskManager, `flink_udf_thread` in the TaskManager itself.
"""

from __future__ import annotations

from typing import Literal

from pipelines.settings import Settings
from tests.bench.family.contract import read_spec
from tests.bench.family.flink_run import finish_with_result, new_group, own_sql, plain_tables, result_topic, run


def count(mode: Literal["process", "thread"]) -> None:
    """Counts the family with the function run in this way."""
    from pyflink.table import DataTypes
    from pyflink.table.udf import udf

    spec, settings = read_spec(), Settings()
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
        definitions = [*plain_tables(spec, group), create, *views]
        ran = run(settings, definitions, [insert], name, group, changed=changed, functions={"slot": slot})
        finish_with_result(spec, settings, sink, ran)
