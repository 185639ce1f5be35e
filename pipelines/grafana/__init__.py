"""Dashboards at work: their statements run as Grafana's ClickHouse data source runs them."""
