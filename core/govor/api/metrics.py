"""GET /metrics."""

from __future__ import annotations

from quart import Blueprint, Response
from quart_schema import document_response, tag

from govor.api.dialect_schema import FlatError
from govor.errors import MetricsDisabled


def metrics_routes() -> Blueprint:
    """The route."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    @tag(["Status"])
    @document_response(FlatError, 404)
    async def metrics() -> Response:
        """404 while there are no metrics."""
        raise MetricsDisabled("This server gives no metrics.")

    return routes
