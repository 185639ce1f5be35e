"""Dashboards as code: each module here named in `DASHBOARDS` makes one, from queries/ and the metric catalogue."""

DASHBOARDS = ("live_room", "all_rooms", "community", "repurchase", "broadcast_review", "pipeline_health")
"""In the order in which links show them. Each is a module of this package with `build(language) -> Page`."""
