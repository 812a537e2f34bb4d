"""Health, readiness and plugins; the bodies have the keys that probes of other servers expect."""

from __future__ import annotations

import time

from quart import Blueprint
from quart_schema import document_response, tag

from govor import __version__
from govor.api.status.schema import Health, Ping, PluginBody, PluginList, Ready
from govor.engine.readiness import NotReady
from govor.engine.service import Service


def status_routes(service: Service) -> Blueprint:
    """Return the routes, bound to a service."""
    routes = Blueprint("status", __name__)

    @routes.get("/health")
    @tag(["Status"])
    @document_response(Health)
    async def health() -> dict[str, object]:
        """200 while the process lives, even if it is busy or not ready."""
        return _health(service).model_dump()

    @routes.get("/ready")
    @routes.get("/readyz")
    @routes.get("/health/ready")
    @tag(["Status"])
    @document_response(Ready)
    @document_response(Ready, 503)
    async def ready() -> tuple[dict[str, object], int]:
        """200 while a request without a `model` would be answered; else 503 with the reason."""
        await service.folders.look()
        state = _readiness(service)
        return state.model_dump(exclude_none=True), 200 if state.ready else 503

    @routes.get("/v1/plugins")
    @tag(["Status"])
    @document_response(PluginList)
    async def plugins() -> dict[str, object]:
        """All installed plugins: ready, disabled, or failed with the reason."""
        bodies = [
            PluginBody(
                name=plugin.name,
                distribution=plugin.distribution,
                version=plugin.version,
                state=plugin.state,
                reason=plugin.reason,
                hooks=list(plugin.hooks),
                formats=service.formats.of_plugin(plugin.name),
                models=[model.id for model in service.catalogue if model.plugin == plugin.name],
            )
            for plugin in service.plugins
        ]
        return PluginList(data=bodies).model_dump()

    return routes


def probe_routes(service: Service) -> Blueprint:
    """Return the liveness routes below /v1, bound to a service."""
    routes = Blueprint("probes", __name__)

    @routes.get("/v1/health")
    @tag(["Status"])
    @document_response(Health)
    async def versioned_health() -> dict[str, object]:
        """The same as /health."""
        return _health(service).model_dump()

    @routes.get("/v1/ping")
    @tag(["Status"])
    @document_response(Ping)
    async def ping() -> dict[str, object]:
        """200 while the process lives."""
        return Ping().model_dump()

    return routes


def _health(service: Service) -> Health:
    default = service.router.default()
    held = service.pool.loaded(default) if default else None
    return Health(
        version=__version__,
        model=default.id if default else None,
        device=held.runtime.device if held else service.settings.device,
        loaded=held is not None,
        model_loaded=held is not None,
        models_loaded=[model.id for model in service.catalogue if service.pool.loaded(model)],
        uptime_seconds=round(time.monotonic() - service.began, 3),
        transcriptions_processed=service.transcribed,
    )


def _readiness(service: Service) -> Ready:
    default = service.router.default()
    held = service.pool.loaded(default) if default else None
    available = held.idle_workers if held else 0
    obstacle = service.not_ready()
    if obstacle is None and service.settings.compat.not_ready_when_busy and held and not available:
        obstacle = NotReady("pool_exhausted", "All workers of the default model are at work.")
    return Ready(
        ready=obstacle is None,
        status="not_ready" if obstacle else "ready",
        reason=obstacle.reason if obstacle else None,
        message=obstacle.message if obstacle else None,
        jobs=service.jobs_trouble() or None,
        pool_available=available,
        pool_total=held.workers if held else 0,
    )
