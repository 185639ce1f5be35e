"""Tables that keep data in ClickHouse: what a migration must have made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.events import EVENTS
from schemas.rules import FieldRule, field_rules


@dataclass(frozen=True)
class StorageTable:
    """A table of the MergeTree family."""

    name: str
    comment: str
    columns: dict[str, str]
    """Column -> type and default, as in CREATE TABLE."""
    comments: dict[str, str]
    engine: str
    order_by: tuple[str, ...]
    partition_by: str | None = None

    def create_sql(self) -> str:
        """The CREATE TABLE statement."""
        lines = [
            f"  {name} {definition}" + (f" COMMENT {_quoted(self.comments[name])}" if name in self.comments else "")
            for name, definition in self.columns.items()
        ]
        partition = f"PARTITION BY {self.partition_by}\n" if self.partition_by else ""
        return (
            f"CREATE TABLE IF NOT EXISTS {self.name}\n(\n" + ",\n".join(lines) + "\n)\n"
            f"ENGINE = {self.engine}\n{partition}ORDER BY ({', '.join(self.order_by)})\nCOMMENT {_quoted(self.comment)}"
        )

    def add_column_sql(self, column: str) -> str:
        """The statement that adds one of the columns to a table that lacks it."""
        comment = f" COMMENT {_quoted(self.comments[column])}" if column in self.comments else ""
        return f"ALTER TABLE {self.name} ADD COLUMN IF NOT EXISTS {column} {self.columns[column]}{comment}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


RECORD_COLUMNS = {
    "_topic": ("LowCardinality(String)", "Kafka topic of the record."),
    "_partition": ("UInt32", "Partition of the record."),
    "_offset": ("UInt64", "Offset of the record in its partition."),
    "received_at": ("DateTime64(3, 'UTC')", "The record's Kafka timestamp."),
    "inserted_at": ("DateTime('UTC') DEFAULT now()", "When the row was stored; retention counts from here."),
}


def column_type(rule: FieldRule) -> str:
    """The narrowest ClickHouse type that holds every valid value of a field; an absent one is ''."""
    if rule.kind == "integer":
        if rule.maximum is not None and rule.minimum is not None and rule.minimum >= 0:
            return next((f"UInt{bits}" for bits in (8, 16, 32) if rule.maximum < 2**bits), "UInt64")
        return "Int64"
    return "LowCardinality(String)" if rule.values or rule.pattern or rule.name == "platform" else "String"


def event_table(topic: str) -> StorageTable:
    """The table of a topic's valid events.

    Sorted for reading by room and time, then by the record's place in Kafka: a record that is read twice replaces
    itself when parts are merged, and under FINAL.
    """
    model = EVENTS[topic]
    rules = field_rules(model)
    columns = {r.name: "DateTime64(3, 'UTC')" if r.name == "event_time" else column_type(r) for r in rules}
    comments = {r.name: r.description for r in rules}
    extra = {
        "broadcast_id": ("String", "`stream_id`, or `day:` and the day where it is absent."),
        "day": ("Date", "Day of the event in the configured time zone."),
        "is_late": ("Bool", "Received later than the allowed lateness after its event time: in no counter."),
        **RECORD_COLUMNS,
    }
    group = "group_id" if "group_id" in columns else "room_id"
    return StorageTable(
        name=f"{topic}_event",
        comment=(model.__doc__ or "").strip().splitlines()[0],
        columns=columns | {name: definition for name, (definition, _) in extra.items()},
        comments=comments | {name: comment for name, (_, comment) in extra.items()},
        engine="ReplacingMergeTree",
        order_by=(group, "event_time", "_partition", "_offset"),
        partition_by="toDate(received_at)",
    )


def _table(
    name: str,
    comment: str,
    columns: Mapping[str, tuple[str, str]],
    engine: str,
    order_by: tuple[str, ...],
    partition_by: str | None = None,
) -> StorageTable:
    """A table from its columns: name -> type and what it holds."""
    types = {column: definition for column, (definition, _) in columns.items()}
    comments = {column: text for column, (_, text) in columns.items()}
    return StorageTable(name, comment, types, comments, engine, order_by, partition_by)


def dead_letter_table() -> StorageTable:
    """The table of records that are no valid event, whole and with the reason."""
    columns = {
        "reason": ("LowCardinality(String)", "What is wrong, for example wrong_type."),
        "field": ("LowCardinality(String)", "The first field that is wrong; empty when it is the whole record."),
        "raw": ("String", "The record's value, byte by byte."),
        **RECORD_COLUMNS,
    }
    return _table(
        name="dead_letter",
        comment="Records that are no valid event, with the reason and the original bytes.",
        columns=columns,
        engine="ReplacingMergeTree",
        order_by=("_topic", "_partition", "_offset"),
        partition_by="toDate(received_at)",
    )


def dead_letter_replay_table() -> StorageTable:
    """The table of dead letters that were repaired and sent again, a row each time: from which place, to which."""
    columns = {
        "_topic": ("LowCardinality(String)", "Kafka topic of the dead letter, and of what was sent for it."),
        "_partition": ("UInt32", "Partition of the dead letter."),
        "_offset": ("UInt64", "Offset of the dead letter in its partition."),
        "new_partition": ("UInt32", "Partition of the repaired event."),
        "new_offset": ("UInt64", "Offset of the repaired event in its partition."),
        "event_id": ("String", "The event's own, or the one that was derived from the place of the dead letter."),
        "fix": ("String", "What was changed, as JSON; empty when the event was sent as it was."),
        "replayed_at": ("DateTime64(3, 'UTC')", "When Kafka had acknowledged it."),
        "inserted_at": ("DateTime('UTC') DEFAULT now()", "When the row was stored; retention counts from here."),
    }
    return _table(
        name="dead_letter_replay",
        comment="Dead letters that were repaired and sent again.",
        columns=columns,
        engine="MergeTree",
        order_by=("_topic", "_partition", "_offset"),
    )


def verify_table() -> StorageTable:
    """The table of what `livepulse verify` found, a row a check."""
    columns = {
        "checked_at": ("DateTime64(3, 'UTC')", "When the check began."),
        "subject": ("LowCardinality(String)", "Topic or table that was checked."),
        "promise": ("LowCardinality(String)", "records (nothing is lost) or counters (as recomputed)."),
        "compared": ("UInt64", "Records or rows compared."),
        "left_out": ("UInt64", "Rows that were still filling, and rows or records older than what is kept whole."),
        "lost": ("UInt64", "Records in Kafka but nowhere in storage, or rows that should exist."),
        "extra": ("UInt64", "Records stored in two places, or rows that should not exist."),
        "wrong": ("UInt64", "Rows with a counter that differs."),
        "seconds": ("Float64", "How long the check took."),
    }
    return _table(
        name="verify_result",
        comment="What verify found, a row a check.",
        columns=columns,
        engine="MergeTree",
        order_by=("checked_at", "subject"),
    )


def flink_metric_table() -> StorageTable:
    """The table of Flink's own figures, a row for each every few seconds (pipelines/flink_extension reports them)."""
    columns = {
        "inserted_at": ("DateTime('UTC') DEFAULT now()", "When it was reported; retention counts from here."),
        "process": ("LowCardinality(String)", "jobmanager, or taskmanager and its id."),
        "job": ("LowCardinality(String)", "Name of the application; empty for a process's own figures."),
        "task": ("LowCardinality(String)", "Name of the task, where the figure is of one."),
        "operator": ("LowCardinality(String)", "Name of the operator in the task, where the figure is of one."),
        "subtask": ("Int16", "Number of the task's part; -1 where the figure is of no task."),
        "metric": ("LowCardinality(String)", "Flink's name of the figure."),
        "value": ("Float64", "The figure, in Flink's unit."),
    }
    return _table(
        name="flink_metric",
        comment="Flink's own figures over time.",
        columns=columns,
        engine="MergeTree",
        order_by=("metric", "job", "inserted_at"),
        partition_by="toDate(inserted_at)",
    )


def freshness_table() -> StorageTable:
    """The table of how old events were when they became visible, a row a job and measurement."""
    columns = {
        "inserted_at": ("DateTime('UTC') DEFAULT now()", "When it was measured; retention counts from here."),
        "job": ("LowCardinality(String)", "Job whose counters were watched."),
        "p50": ("Float64", "Seconds from being produced to being visible: half of the events took no longer."),
        "p99": ("Float64", "The same for 99 of 100 events."),
        "maximum": ("Float64", "The longest."),
        "events": ("UInt64", "Events of the minute before that were measured."),
    }
    return _table(
        name="freshness_result",
        comment="How long events took to become visible, measured while verify runs continuously.",
        columns=columns,
        engine="MergeTree",
        order_by=("inserted_at", "job"),
        partition_by="toDate(inserted_at)",
    )


def freshness_histogram_table() -> StorageTable:
    """The table of how old records were at each stage of their way, for every row of counters that was ever stored."""
    columns = {
        "inserted_at": ("DateTime('UTC')", "Beginning of the 10 s in which the rows were stored; retention counts from here."),
        "job": ("LowCardinality(String)", "Job that counted."),
        "output": ("LowCardinality(String)", "The job's output: a metric topic's name without `metric_`."),
        "stage": (
            "LowCardinality(String)",
            "`flink`: from being produced until Flink wrote the row; `storage`: from then until ClickHouse stored it; `all`: both.",
        ),
        "bucket_ms": ("UInt32", "Upper end of the bucket, milliseconds; each is 9 % wider than the one before."),
        "rows": ("UInt64", "Rows of counters that took so long; the newest record that a row has counted is taken."),
    }
    return _table(
        name="freshness_histogram",
        comment="How long counters took to become visible, by stage.",
        columns=columns,
        engine="SummingMergeTree",
        order_by=("inserted_at", "job", "output", "stage", "bucket_ms"),
        partition_by="toDate(inserted_at)",
    )


def forgotten_user_table() -> StorageTable:
    """The table of requests to forget a person, a row a table that had something; who it was is not in it."""
    columns = {
        "request": ("String", "A random number, the same in every row of a request."),
        "forgotten_at": ("DateTime64(3, 'UTC')", "When it was done."),
        "table": ("LowCardinality(String)", "Table whose rows were changed; empty where nothing was found."),
        "rows": ("UInt64", "Rows that were changed there."),
        "unfinished": (
            "String",
            "Until the request is finished: a random number, and the pseudonym that follows from it and the id.",
        ),
    }
    return _table(
        name="forgotten_user",
        comment="Requests to forget a person: that it was done, not to whom.",
        columns=columns,
        engine="MergeTree",
        order_by=("forgotten_at", "request"),
    )


def retention_change_table() -> StorageTable:
    """The table of retentions that were changed: what had been deleted by then does not come back with a longer one."""
    columns = {
        "table": ("LowCardinality(String)", "Table whose rows are kept longer or shorter from then on."),
        "changed_at": ("DateTime64(3, 'UTC')", "When it was changed."),
        "days_before": ("UInt32", "How many days a row had been kept after it was stored."),
        "days": ("UInt32", "How many it is kept from then on."),
    }
    return _table(
        name="retention_change",
        comment="Retentions that were changed, so that verify knows since when a table is whole.",
        columns=columns,
        engine="MergeTree",
        order_by=("changed_at", "days_before"),
    )


def tables() -> list[StorageTable]:
    """Every table that events, and what is known of them and of the pipeline, are stored in."""
    return [
        *(event_table(topic) for topic in EVENTS),
        dead_letter_table(),
        dead_letter_replay_table(),
        verify_table(),
        flink_metric_table(),
        freshness_table(),
        freshness_histogram_table(),
        forgotten_user_table(),
        retention_change_table(),
    ]
