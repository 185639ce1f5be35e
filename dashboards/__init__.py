"""Dashboards as code: each module here named in `DASHBOARDS` makes one, from queries/ and the metric catalogue."""

from pathlib import Path

DASHBOARDS = ("live_room", "all_rooms", "community", "repurchase", "broadcast_review", "pipeline_health")
"""In the order in which links show them. Each is a module of this package with `build(language) -> Page`."""

GENERATED = Path(__file__).parent / "generated"
"""The files that Grafana provisions and the board shows, by language."""
