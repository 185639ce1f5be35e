"""Live room: for the operator, during a broadcast."""

from __future__ import annotations

from dashboards.fields import Language
from dashboards.page import Page


def build(language: Language) -> Page:
    """The dashboard; fits on 1920 x 1080 without scrolling."""
    page = Page("live_room", language, refresh="2s", time_from="now-30m")
    page.panel("stat", "watching", ["viewers"], width=4, height=4, look="sparkline")
    return page
