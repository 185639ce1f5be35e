"""The page that shows the dashboards in a browser (pipelines/board serves it)."""
