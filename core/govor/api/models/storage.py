"""GET /v1/storage: disk space of models. POST /v1/storage/prune: delete files that no model needs."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, Field
from quart import Blueprint
from quart_schema import document_response, tag

from govor.engine.service import Service
from govor.models.files.usage import free_bytes, prune, unused, usages


class UsageBody(BaseModel):
    """One model on the disk."""

    model: str
    own: int = Field(description="Bytes in the models folder only.")
    shared: int = Field(description="Bytes shared with the Hugging Face cache; the disk holds them once.")
    partial: int = Field(description="Bytes of an unfinished download, part of `own`.")


class UnusedBody(BaseModel):
    """Something in the models folder that no model needs."""

    path: str
    size: int
    kind: Literal["partial", "file", "folder"]


class Storage(BaseModel):
    """Disk space of the models folder."""

    folder: str
    free: int = Field(description="Free bytes on its disk.")
    models: list[UsageBody]
    unused: list[UnusedBody]


class Pruned(BaseModel):
    """Deleted files and folders."""

    freed: int
    removed: list[UnusedBody]


def storage_routes(service: Service) -> Blueprint:
    """Return the routes, bound to a service."""
    routes = Blueprint("storage", __name__)

    @routes.get("/v1/storage")
    @tag(["Models"])
    @document_response(Storage)
    async def storage() -> dict[str, object]:
        """Disk space of each model, and files that no model needs."""
        return Storage.model_validate(await asyncio.to_thread(look_at, service)).model_dump()

    @routes.post("/v1/storage/prune")
    @tag(["Models"])
    @document_response(Pruned)
    async def prune_storage() -> dict[str, object]:
        """Delete unfinished downloads, and files of models that are no longer known."""
        gone = await asyncio.to_thread(prune, service.store, list(service.catalogue))
        body = {"freed": sum(item.size for item in gone), "removed": [asdict(item) for item in gone]}
        return Pruned.model_validate(body).model_dump()

    return routes


def look_at(service: Service) -> dict[str, Any]:
    """Return the contents of a service's models folder, as the route answers them."""
    store, models = service.store, list(service.catalogue)
    return {
        "folder": str(store.root),
        "free": free_bytes(store),
        "models": [asdict(usage) for usage in usages(store, models)],
        "unused": [asdict(item) for item in unused(store, models)],
    }
