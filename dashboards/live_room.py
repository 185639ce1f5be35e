"""Live room: for the operator, during a broadcast."""

from __future__ import annotations

from dashboards.fields import Language
from dashboards.page import Page


def build(language: Language) -> Page:
    """The dashboard; 24 rows of the grid, which 1920 x 1080 shows without scrolling."""
    return (
        Page("live_room", language, refresh="2s", time_from="now-30m")
        .panel("stat", "watching", ["audience"], width=5, height=4, look="sparkline")
        .panel(
            "stat",
            "engaged",
            ["interaction_rate", "average_watch_seconds", "interactions_per_viewer", "broadcast_audience", "peak_concurrency"],
            width=9,
            height=4,
        )
        .panel(
            "stat",
            "buying",
            ["click_rate", "click_to_order_rate", "conversion_rate", "paying_users", "new_buyers", "repeat_buyers"],
            width=10,
            height=4,
        )
        .panel("timeseries", "usual", ["average_audience", "usual_audience"], width=8, height=9)
        .panel("timeseries", "interactions", ["comments", "likes"], width=8, height=9)
        .panel(
            "table",
            "changed",
            ["metric", "now_value", "usual_value", "change"],
            width=8,
            height=9,
            cells={"change": "background"},
        )
        .panel("barchart", "funnel", ["funnel_step", "users"], width=6, height=8)
        .panel("barchart", "sources", ["viewer_source", "viewers"], width=6, height=8)
        .panel(
            "table",
            "products",
            ["product_id", "currency", "gmv_paid", "orders_paid", "click_users", "click_to_order_rate"],
            width=12,
            height=8,
            cells={"gmv_paid": "gauge"},
        )
        .panel(
            "table",
            "money",
            ["currency", "gmv_paid", "gmv_refunded", "gmv_net", "average_order_value", "gpm", "uv_value", "refund_rate_amount"],
            width=12,
            height=4,
            cells={"refund_rate_amount": "background"},
        )
        .panel(
            "stat",
            "trust",
            [
                "freshness_seconds",
                "newest_window",
                "viewers_basis",
                "late_comment_share",
                "dead_letters_10m",
                "verify_differences",
                "verify_age_seconds",
            ],
            width=12,
            height=4,
        )
    )
