"""Routes for probes, metrics and dashboards."""
