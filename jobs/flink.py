"""Flink SQL of the jobs' sinks: one upsert topic an output."""

from __future__ import annotations

from jobs.catalogue import Kind, Output, jobs, metric_topic

_TYPES: dict[Kind, str] = {
    "string": "STRING",
    "integer": "BIGINT",
    "seconds": "BIGINT",
    "date": "STRING",
    "time": "TIMESTAMP_LTZ(3)",
    "integers": "ARRAY<BIGINT>",
}


def sink_sql(name: str, output: Output) -> str:
    """CREATE statement of an output.

    At least once and without transactions: the rows' counters only grow and are merged by max, so a row that is
    written twice, or an older one that comes late, changes nothing.
    """
    columns = ",\n".join(f"  `{column}` {_TYPES[kind]}" for column, kind in output.columns().items())
    return f"""CREATE TEMPORARY TABLE `{name}` (
{columns},
  PRIMARY KEY ({", ".join(f"`{key}`" for key in output.keys)}) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = '{metric_topic(name)}',
  'properties.bootstrap.servers' = '${{kafka}}',
  'properties.linger.ms' = '5',
  'properties.compression.type' = 'lz4',
  'key.format' = 'json',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);
"""


def files() -> dict[str, str]:
    """Path below `schemas/generated` -> content."""
    return {
        f"flink/{job.name}_sinks.sql": "\n".join(sink_sql(name, output) for name, output in job.outputs.items())
        for job in jobs().values()
    }
