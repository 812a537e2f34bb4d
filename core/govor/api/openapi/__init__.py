"""/openapi.json, and the page /docs that shows it."""
