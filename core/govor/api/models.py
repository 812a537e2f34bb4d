"""GET /v1/models and /v1/models/{id}: what can answer now. POST /v1/models: fetch one more."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from quart import Blueprint, request
from quart_schema import document_request, document_response, tag

from govor.api.schema import ModelBody, ModelList, PullRequest
from govor.engine.service import Service
from govor.errors import InvalidParam, ModelNotFound
from govor.models.catalogue import Model
from govor.models.store import Store


def model_routes(service: Service) -> Blueprint:
    """The routes, bound to a service."""
    routes = Blueprint("models", __name__)
    fetch = _Fetches(service.store)

    @routes.get("/v1/models")
    @tag(["Models"])
    @document_response(ModelList)
    async def list_models() -> dict[str, object]:
        """Models that can answer now: installed or loaded."""
        return ModelList(data=[describe(service, model) for model in service.router.usable()]).model_dump()

    @routes.get("/v1/models/<path:name>")
    @tag(["Models"])
    @document_response(ModelBody)
    async def retrieve_model(name: str) -> dict[str, object]:
        """One model, by id, alias or plugin/id."""
        return describe(service, service.router.choose(name)).model_dump()

    @routes.post("/v1/models")
    @tag(["Models"])
    @document_request(PullRequest)
    @document_response(ModelBody, 201)
    @document_response(ModelBody)
    async def pull_model() -> tuple[dict[str, object], int]:
        """Fetch a model's files: 201 when they are installed, 200 when they were already."""
        name = _named(await request.get_data())
        model = service.router.find(name)
        if model is None:
            raise ModelNotFound(name, [model.id for model in service.catalogue])
        present = service.store.state(model) == "installed"
        await fetch(model)
        return describe(service, model).model_dump(), 200 if present else 201

    return routes


def _named(body: str | bytes) -> str:
    """Return the model that a body names. Raises InvalidParam."""
    with suppress(ValidationError):
        if name := PullRequest.model_validate_json(body).model:
            return name
    raise InvalidParam('Send JSON that names the model: {"model": "…"}.', param="model")


class _Fetches:
    """Downloads under way. However many ask for a model, one thread fetches it, and none but it waits."""

    def __init__(self, store: Store):
        self._store = store
        self._running: dict[str, asyncio.Task[Path]] = {}

    async def __call__(self, model: Model) -> None:
        """Return when the files are installed. Goes on when the caller leaves. Raises DownloadFailed."""
        key = model.qualified
        if key not in self._running:
            fetch = asyncio.create_task(asyncio.to_thread(self._store.install, model), name=f"fetch {key}")
            fetch.add_done_callback(lambda _: self._running.pop(key))
            self._running[key] = fetch
        await asyncio.shield(self._running[key])


def describe(service: Service, model: Model) -> ModelBody:
    """A model as the API shows it; the one that answers for the default has the default's aliases too."""
    aliases = list(model.aliases)
    if model is service.router.default():
        aliases += service.catalogue.default_aliases
    return ModelBody(
        id=model.id,
        created=service.store.installed_at(model),
        owned_by=model.plugin,
        backend=model.plugin,
        status=service.pool.state(model),
        languages=list(model.spec.languages),
        features=sorted(model.spec.features),
        aliases=aliases,
        description=model.spec.description,
        reason=service.pool.failure(model),
        **_in_memory(service, model),
    )


def _in_memory(service: Service, model: Model) -> dict[str, Any]:
    """What is known of a model only while it is loaded."""
    loaded = service.pool.loaded(model)
    if loaded is None:
        return {}
    return {
        "device": loaded.placement.device,
        "precision": loaded.placement.precision,
        "loaded_at": loaded.since,
        "memory": loaded.memory,
    }
