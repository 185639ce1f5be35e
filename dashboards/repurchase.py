"""Repurchase: who comes back."""

from __future__ import annotations

from dashboards.fields import Language
from dashboards.page import Page

_WEEKS = ("week_1", "week_2", "week_3", "week_4", "weeks_5_to_8", "weeks_9_to_13")


def build(language: Language) -> Page:
    """The dashboard."""
    return (
        Page("repurchase", language, refresh="1m", time_from="now-30d")
        .panel(
            "stat",
            "rates",
            [
                "repurchase_rate_30d",
                "repurchase_rate_90d",
                "repurchase_rate_all",
                "buyers_again",
                "buyers",
                "days_between_orders",
            ],
            width=24,
            height=3,
        )
        .panel(
            "table",
            "broadcasts",
            ["room_id", "broadcast_id", "began_at", "paying_users", "repeat_buyers", "new_buyers", "repeat_buyer_rate"],
            width=14,
            height=11,
            cells={"repeat_buyers": "gauge"},
        )
        .panel(
            "table",
            "rooms",
            ["room_id", "buyers", "buyers_again", "repurchase_rate_all", "orders_paid", "days_between_orders"],
            width=10,
            height=11,
        )
        .panel(
            "table",
            "cohorts",
            ["cohort", "buyers", *_WEEKS],
            width=16,
            height=10,
            cells=dict.fromkeys(_WEEKS, "background"),
        )
        .panel("barchart", "gaps", ["days_gap", "orders_again"], width=8, height=10)
    )
