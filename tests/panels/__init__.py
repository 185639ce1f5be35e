"""What every panel of the dashboards shows of one small scenario, worked out by hand."""
