"""The dashboards in a browser, without Grafana: the same files, the same statements, the same ClickHouse."""
