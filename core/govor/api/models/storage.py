"""GET /v1/storage: disk space of models. POST /v1/storage/prune: delete files that no model needs."""

from __future__ import annotations

import asyncio

from quart import Blueprint
from quart_schema import document_response, tag

from govor.api.models.bodies import pruned_body, storage_body
from govor.api.models.schema import Pruned, Storage
from govor.engine.library import look_at, prune
from govor.engine.service import Service


def storage_routes(service: Service) -> Blueprint:
    """Return the routes, bound to a service."""
    routes = Blueprint("storage", __name__)

    @routes.get("/v1/storage")
    @tag(["Models"])
    @document_response(Storage)
    async def storage() -> dict[str, object]:
        """Disk space of each model, and files that no model needs."""
        return storage_body(await asyncio.to_thread(look_at, service)).model_dump()

    @routes.post("/v1/storage/prune")
    @tag(["Models"])
    @document_response(Pruned)
    async def prune_storage() -> dict[str, object]:
        """Delete unfinished downloads, and files of models that are no longer known."""
        return pruned_body(await asyncio.to_thread(prune, service)).model_dump()

    return routes
