"""Health, readiness and plugins."""

from __future__ import annotations

import time

from quart import Blueprint
from quart_schema import document_response, tag

from govor import __version__
from govor.api.schema import Health, PluginBody, PluginList, Ready
from govor.engine.service import Service


def status_routes(service: Service) -> Blueprint:
    """The routes, bound to a service."""
    routes = Blueprint("status", __name__)
    began = time.monotonic()

    @routes.get("/health")
    @tag(["Status"])
    @document_response(Health)
    async def health() -> dict[str, object]:
        """200 while the process lives, whatever it is doing."""
        default = service.router.default()
        return Health(
            version=__version__,
            model=default.id if default else None,
            loaded=default is not None and service.pool.state(default) == "loaded",
            uptime_seconds=round(time.monotonic() - began, 3),
            transcriptions_processed=service.transcribed,
        ).model_dump()

    @routes.get("/ready")
    @tag(["Status"])
    @document_response(Ready)
    @document_response(Ready, 503)
    async def ready() -> tuple[dict[str, object], int]:
        """200 once the preloaded models are in memory and a model can answer; else 503, and why."""
        reason = service.not_ready()
        state = Ready(ready=reason is None, status="not_ready" if reason else "ready", reason=reason)
        return state.model_dump(exclude_none=True), 503 if reason else 200

    @routes.get("/v1/plugins")
    @tag(["Status"])
    @document_response(PluginList)
    async def plugins() -> dict[str, object]:
        """Every installed plugin: ready, disabled, or failed and why."""
        bodies = [
            PluginBody(
                name=plugin.name,
                distribution=plugin.distribution,
                version=plugin.version,
                state=plugin.state,
                reason=plugin.reason,
                hooks=list(plugin.hooks),
                models=[model.id for model in service.catalogue if model.plugin == plugin.name],
            )
            for plugin in service.plugins
        ]
        return PluginList(data=bodies).model_dump()

    return routes
