"""Community: chat groups, and what they bring."""

from __future__ import annotations

from dashboards.fields import Language
from dashboards.page import Page


def build(language: Language) -> Page:
    """The dashboard."""
    return (
        Page("community", language, refresh="10s", time_from="now-3h")
        .panel(
            "stat",
            "summary",
            ["active_groups", "messages", "staff_share", "viewers_community", "community_viewer_share"],
            width=24,
            height=3,
        )
        .panel("timeseries", "messages", ["messages", "staff_messages"], width=16, height=9)
        .panel("table", "waiting", ["group_id", "messages", "members", "last_message_at"], width=8, height=9)
        .panel(
            "table",
            "groups",
            ["group_id", "messages", "message_trend", "members", "staff_share", "last_message_at", "minutes_without_staff"],
            width=24,
            height=9,
            cells={"messages": "gauge", "minutes_without_staff": "background"},
        )
        .panel(
            "table",
            "rooms",
            ["room_id", "viewers_community", "viewers", "community_viewer_share", "group_messages"],
            width=14,
            height=8,
        )
        .panel("barchart", "sources", ["order_source", "orders_paid", "paying_users"], width=10, height=8)
    )
