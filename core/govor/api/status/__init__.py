"""Routes for probes and dashboards."""
