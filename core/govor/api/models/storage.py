"""GET /v1/storage: what models take on the disk. POST /v1/storage/prune: delete what nobody needs."""

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
    own: int = Field(description="Bytes that only the models folder holds.")
    shared: int = Field(description="Bytes that the Hugging Face cache holds too; they are there once.")
    partial: int = Field(description="Bytes of an unfinished download, part of `own`.")


class UnusedBody(BaseModel):
    """Something in the models folder that no model needs."""

    path: str
    size: int
    kind: Literal["partial", "file", "folder"]


class Storage(BaseModel):
    """What the models folder takes."""

    folder: str
    free: int = Field(description="Bytes that its disk has left.")
    models: list[UsageBody]
    unused: list[UnusedBody]


class Pruned(BaseModel):
    """What was deleted."""

    freed: int
    removed: list[UnusedBody]


def storage_routes(service: Service) -> Blueprint:
    """The routes, bound to a service."""
    routes = Blueprint("storage", __name__)

    @routes.get("/v1/storage")
    @tag(["Models"])
    @document_response(Storage)
    async def storage() -> dict[str, object]:
        """What each model takes on the disk, and what no model needs."""
        return Storage.model_validate(await asyncio.to_thread(look_at, service)).model_dump()

    @routes.post("/v1/storage/prune")
    @tag(["Models"])
    @document_response(Pruned)
    async def prune_storage() -> dict[str, object]:
        """Delete unfinished downloads, and files of models that are known no more."""
        gone = await asyncio.to_thread(prune, service.store, list(service.catalogue))
        body = {"freed": sum(item.size for item in gone), "removed": [asdict(item) for item in gone]}
        return Pruned.model_validate(body).model_dump()

    return routes


def look_at(service: Service) -> dict[str, Any]:
    """What lies in a service's models folder, in the shape of the route."""
    store, models = service.store, list(service.catalogue)
    return {
        "folder": str(store.root),
        "free": free_bytes(store),
        "models": [asdict(usage) for usage in usages(store, models)],
        "unused": [asdict(item) for item in unused(store, models)],
    }
