"""Pipeline health: for engineers."""

from __future__ import annotations

from dashboards.fields import Language
from dashboards.page import Page


def build(language: Language) -> Page:
    """The dashboard."""
    return (
        Page("pipeline_health", language, refresh="2s", time_from="now-1h", variables=())
        .panel(
            "stat",
            "state",
            [
                "freshness_seconds",
                "job_uptime",
                "restarts",
                "checkpoint_age",
                "consumer_lag",
                "dead_letters_10m",
                "verify_differences",
                "verify_age_seconds",
            ],
            width=24,
            height=3,
        )
        .panel("timeseries", "freshness", ["freshness_p50", "freshness_p99"], width=6, height=7)
        .panel("timeseries", "stages", ["stage", "stage_p99"], width=6, height=7)
        .panel("timeseries", "events", ["topic", "events_per_second"], width=6, height=7, look="stacked")
        .panel("timeseries", "lag", ["topic", "consumer_lag"], width=6, height=7)
        .panel("timeseries", "checkpoints", ["checkpoint_seconds", "checkpoints_failed"], width=8, height=8)
        .panel(
            "table",
            "busy",
            ["flink_task", "busy_share", "held_up_share"],
            width=8,
            height=8,
            cells={"busy_share": "background", "held_up_share": "background"},
        )
        .panel(
            "table",
            "verify",
            ["promise", "subject", "compared", "left_out", "lost", "extra", "wrong"],
            width=8,
            height=8,
            cells=dict.fromkeys(("lost", "extra", "wrong"), "background"),
        )
        .panel("table", "dead_letters", ["topic", "reason", "field", "dead_letters", "last_received_at"], width=8, height=8)
        .panel(
            "table",
            "queues",
            ["queue", "partitions", "messages_read", "last_poll_age", "last_problem"],
            width=8,
            height=8,
            cells={"last_poll_age": "background"},
        )
        .panel(
            "table",
            "storage",
            ["storage_table", "parts", "parts_of_a_partition", "stored_rows", "stored_bytes"],
            width=8,
            height=8,
            cells={"parts_of_a_partition": "background"},
        )
        .panel("table", "happened", ["happened_at", "happening", "about"], width=8, height=6)
        .panel("table", "problems", ["error", "error_count", "last_at", "error_message"], width=16, height=6)
    )
