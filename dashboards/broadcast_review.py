"""Broadcast review: one broadcast, looked back at."""

from __future__ import annotations

from dashboards.fields import Language
from dashboards.page import Page


def build(language: Language) -> Page:
    """The dashboard."""
    return (
        Page("broadcast_review", language, refresh="1m", time_from="now-6h", variables=("room", "broadcast"))
        .panel(
            "stat",
            "summary",
            [
                "began_at",
                "audience",
                "peak_concurrency",
                "average_watch_seconds",
                "interaction_rate",
                "conversion_rate",
                "orders_paid",
                "refund_rate_orders",
            ],
            width=24,
            height=3,
        )
        .panel("timeseries", "timeline", ["average_audience", "comments", "click_users", "orders_paid"], width=16, height=10)
        .panel(
            "table",
            "compared",
            ["review_metric", "this_broadcast", "five_before", "change"],
            width=8,
            height=10,
            cells={"change": "background"},
        )
        .panel(
            "table",
            "moved",
            ["moved_at", "average_audience", "audience_change", "orders_paid", "orders_change"],
            width=10,
            height=9,
        )
        .panel("table", "pins", ["moved_at", "product_id", "exposed_users"], width=7, height=9)
        .panel("barchart", "sources", ["viewer_source", "viewers"], width=7, height=9)
        .panel(
            "table",
            "products",
            [
                "product_id",
                "exposed_users",
                "click_users",
                "cart_users",
                "paying_users",
                "click_to_order_rate",
                "currency",
                "gmv_paid",
                "gmv_refunded",
            ],
            width=24,
            height=9,
            cells={"gmv_paid": "gauge"},
        )
    )
