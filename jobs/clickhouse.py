"""ClickHouse SQL of the metrics: storage tables of counters, the way into them, and the views that people read."""

from __future__ import annotations

from jobs.catalogue import FRESHNESS, Kind, Output, counters_of, jobs, metric_topic
from schemas.events.base import USER
from schemas.generate.clickhouse import QUEUE_SETTINGS
from schemas.grains import Grain, grains
from schemas.storage import StorageTable, freshness_histogram_table

_TYPES: dict[Kind, str] = {
    "string": "String",
    "integer": "UInt64",
    "seconds": "DateTime('UTC')",
    "date": "Date",
    "time": "DateTime64(3, 'UTC')",
    "integers": "Array(UInt64)",
}

UNREADABLE = "unreadable_metric"
"""Reason of a dead letter from a metric topic: something other than our jobs wrote there."""

_SAMPLE, _SAMPLES_GATHERED = "freshness_sample", "freshness_sample_buffer"


def counter_table(grain: Grain) -> StorageTable:
    """The table in which a grain's counters are merged, each by its own rule."""
    columns = dict(grain.keys)
    comments: dict[str, str] = {}
    for name, job, counter in counters_of(grain):
        kind = "DateTime64(3, 'UTC')" if name.endswith("_at") else "UInt64"
        # A first time merges by min, where a default of 0 would win: absent is NULL there.
        value = f"Nullable({kind})" if counter.merge == "min" else kind
        columns[name] = f"SimpleAggregateFunction({counter.merge}, {value})"
        comments[name] = f"{counter.description} [{job.name}]"
    columns[FRESHNESS] = "SimpleAggregateFunction(max, DateTime64(3, 'UTC'))"
    comments[FRESHNESS] = "Newest Kafka timestamp of a record that the row has counted."
    if USER in grain.keys:
        columns["inserted_at"] = "SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now()"
        comments["inserted_at"] = "When the row last changed; retention counts from here."
    return StorageTable(
        name=grain.storage,
        comment=f"{grain.description} Counters that only grow; read `{grain.name}`.",
        columns=columns,
        comments=comments,
        engine="AggregatingMergeTree",
        order_by=tuple(grain.keys),
        partition_by=grain.partition,
    )


def tables() -> list[StorageTable]:
    """The storage tables of all grains."""
    return [counter_table(grain) for grain in grains().values() if not grain.view_only]


def freshness_sql() -> list[str]:
    """Statements that make the way of freshness: queues -> samples, gathered in memory -> `freshness_histogram`.

    Each block that a queue stores has every view of the queue analysed, so what a queue has to do is copying; the histogram
    is made once for all of them, every five to ten seconds. What is gathered is lost when ClickHouse is killed: ten seconds of
    figures about the pipeline. Queues write to the two tables while others are made anew, so these stay: a migration that
    changes them has to drop them.
    """
    histogram = freshness_histogram_table().name
    view = f"{_SAMPLE}_to_{histogram}"
    # `now64` would be when the block began to fill. The clocks are the producer's, Flink's and ClickHouse's.
    return [
        f"""CREATE TABLE IF NOT EXISTS {_SAMPLE}
(
  job LowCardinality(String),
  output LowCardinality(String),
  produced DateTime64(3, 'UTC'),
  written Nullable(DateTime64(3, 'UTC')),
  stored DateTime64(3, 'UTC')
)
ENGINE = Null""",
        f"""CREATE TABLE IF NOT EXISTS {_SAMPLES_GATHERED} AS {_SAMPLE}
ENGINE = Buffer(currentDatabase(), {_SAMPLE}, 1, 5, 10, 100000, 1000000, 10000000, 100000000)""",
        f"DROP VIEW IF EXISTS {view}",
        f"""CREATE MATERIALIZED VIEW {view} TO {histogram} AS
WITH
  toUnixTimestamp64Milli(produced) AS produced_ms, toUnixTimestamp64Milli(assumeNotNull(written)) AS written_ms,
  toUnixTimestamp64Milli(stored) AS stored_ms
SELECT
  toStartOfInterval(toDateTime(stored), INTERVAL 10 SECOND) AS inserted_at, job, output,
  took.1 AS stage, toUInt32(exp2(ceil(8 * log2(least(greatest(took.2, 1), 2000000000))) / 8)) AS bucket_ms, count() AS rows
FROM {_SAMPLE}
ARRAY JOIN [('flink', written_ms - produced_ms), ('storage', stored_ms - written_ms), ('all', stored_ms - produced_ms)] AS took
GROUP BY inserted_at, job, output, stage, bucket_ms""",
    ]


def ingest_sql(job: str, name: str, output: Output) -> list[str]:
    """Statements that make a job's output's way into its tables; the first ones drop what was there.

    A queue reads as soon as one view is attached, and what is read is not read again for the others. So it goes before its
    views, and until all are there a table that reads nothing stands in its place: views follow the name.
    """
    queue = f"{name}_queue"
    columns = ",\n".join(f"  {column} {_TYPES[kind]}" for column, kind in output.columns().items())
    statements = [
        f"DROP TABLE IF EXISTS {queue}",
        *(f"DROP VIEW IF EXISTS {name}_to_{table}" for table in (*output.into, "dead_letter", _SAMPLE)),
        # What Kafka's engine adds to a record: no part of `*`, there as here.
        f"""CREATE TABLE {queue}
(
{columns},
  _topic LowCardinality(String) ALIAS '',
  _partition UInt64 ALIAS 0,
  _offset UInt64 ALIAS 0,
  _timestamp_ms Nullable(DateTime64(3)) ALIAS NULL,
  _raw_message String ALIAS '',
  _error String ALIAS ''
)
ENGINE = Null""",
    ]
    for table, select in output.into.items():
        sql = select.format(queue=queue)
        sql += " AND _error = ''" if " WHERE " in sql else " WHERE _error = ''"
        statements.append(f"CREATE MATERIALIZED VIEW {name}_to_{table} TO {grains()[table].storage} AS\n{sql}")
    return [
        *statements,
        f"""CREATE MATERIALIZED VIEW {name}_to_dead_letter TO dead_letter AS
SELECT '{UNREADABLE}' AS reason, '' AS field, _raw_message AS raw, _topic, toUInt32(queue._partition) AS _partition, _offset,
  assumeNotNull(_timestamp_ms) AS received_at
FROM {queue} AS queue WHERE _error != ''""",
        f"""CREATE MATERIALIZED VIEW {name}_to_{_SAMPLE} TO {_SAMPLES_GATHERED} AS
SELECT '{job}' AS job, '{name}' AS output, {FRESHNESS} AS produced, _timestamp_ms AS written, nowInBlock64(3) AS stored
FROM {queue} WHERE _error = ''""",
        f"""CREATE OR REPLACE TABLE {queue}
(
{columns}
)
ENGINE = Kafka
SETTINGS
{QUEUE_SETTINGS.format(topic=metric_topic(name), format="JSONEachRow", carries="metric")},
  kafka_handle_error_mode = 'stream',
  date_time_input_format = 'best_effort'""",
    ]


def view_sql(grain: Grain) -> str:
    """The view that people read: keys, counters, what follows from them, and every rate."""
    columns = [*grain.keys]
    if not grain.view_only:
        columns += [name for name, _, _ in counters_of(grain)] + [FRESHNESS]
    else:
        columns += ["* EXCEPT (" + ", ".join(grain.keys) + ", audience)"]
    if grain.view_from and not grain.view_only:
        columns += [name for name in ("viewer_slots", "peak_concurrency", "active_minutes", "audience") if name in grain.view_from]
    elif grain.view_only:
        columns += ["audience"]
    for job in jobs().values():
        columns += [f"{d.sql[grain.name]} AS {name}" for name, d in job.derived.items() if grain.name in d.sql]
    for job in jobs().values():
        columns += [
            f"if({r.denominator} = 0, NULL, {_factor(r.numerator)} / {r.denominator}) AS {name}"
            for name, r in job.rates.items()
            if grain.name in r.tables
        ]
    source = grain.view_from.strip() if grain.view_from else f"{grain.storage} FINAL"
    return f"CREATE OR REPLACE VIEW {grain.name} AS\nSELECT\n  " + ",\n  ".join(columns) + f"\nFROM {source}"


def _factor(sql: str) -> str:
    return f"({sql})" if " " in sql else sql


def files() -> dict[str, str]:
    """Path below `schemas/generated` -> content."""
    made = {
        f"clickhouse/{job.name}_outputs.sql": ";\n\n".join(s for n, o in job.outputs.items() for s in ingest_sql(job.name, n, o))
        + ";\n"
        for job in jobs().values()
    }
    made["clickhouse/views.sql"] = ";\n\n".join(view_sql(grain) for grain in grains().values()) + ";\n"
    return made
