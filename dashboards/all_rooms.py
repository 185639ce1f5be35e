"""All rooms: the wallboard."""

from __future__ import annotations

from dashboards.fields import Language
from dashboards.page import Page


def build(language: Language) -> Page:
    """The dashboard."""
    return (
        Page("all_rooms", language, refresh="2s", time_from="now-1h")
        .panel(
            "stat",
            "totals",
            ["watching", "rooms_live", "comments_per_minute", "orders_per_minute", "interaction_rate", "conversion_rate"],
            width=24,
            height=3,
        )
        .panel(
            "table",
            "ranking",
            [
                "room_id",
                "watching",
                "audience_trend",
                "interaction_rate",
                "conversion_rate",
                "orders_trend",
                "orders_paid",
                "currency",
                "gmv_paid",
            ],
            width=16,
            height=13,
            cells={"watching": "gauge"},
        )
        .panel("table", "attention", ["room_id", "attention", "now_share", "usual_share"], width=8, height=13)
        .panel("heatmap", "sales", ["room_id", "orders_paid"], width=24, height=10)
    )
