"""GET /v1/models and /v1/models/{id}: what can answer now. POST /v1/models: fetch one more."""

from __future__ import annotations

import asyncio

from quart import Blueprint, request
from quart_schema import document_request, document_response, tag

from govor.api.schema import ModelBody, ModelList, PullRequest
from govor.engine.service import Service
from govor.errors import InvalidParam, ModelNotFound
from govor.models.catalogue import Model


def model_routes(service: Service) -> Blueprint:
    """The routes, bound to a service."""
    routes = Blueprint("models", __name__)

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
        body = await request.get_json(silent=True, force=True)
        name = body.get("model") if isinstance(body, dict) else None
        if not isinstance(name, str) or not name:
            raise InvalidParam('Send JSON that names the model: {"model": "…"}.', param="model")
        model = service.catalogue.find(name)
        if model is None:
            raise ModelNotFound(name, [model.id for model in service.catalogue])
        present = service.store.state(model) == "installed"
        await asyncio.to_thread(service.store.install, model)
        return describe(service, model).model_dump(), 200 if present else 201

    return routes


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
    )
