"""GET /v1/models: models that can answer now; GET /v1/registry: all known models. DELETE and verify files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import get_args

from quart import Blueprint, request
from quart_schema import document_querystring, document_response, tag

from govor.api.models.bodies import (
    deleted_body,
    describe,
    describe_all,
    register,
    tasks_of,
    verified_body,
)
from govor.api.models.compat_keys import model_list
from govor.api.models.queries import ForceQuery, RegistryQuery, TaskQuery
from govor.api.models.schema import (
    Deleted,
    ModelBody,
    ModelList,
    Registry,
    Verified,
)
from govor.api.response.declared_errors import MODEL, can_fail
from govor.engine.library import remove, verify
from govor.engine.model_pool.pool import State
from govor.engine.service import Service
from govor.errors import InsufficientStorage, InvalidParam, ModelBusy, ModelProtected
from govor.formats.languages import parse_language
from govor.models.catalogue import Model
from govor.models.selection.requested_names import answering_id

TASKS = {
    "transcribe": "transcribe",
    "translate": "translate",
    "diarize": "diarize",
    "vad": "vad",
    "text": "text",
    "automatic-speech-recognition": "transcribe",  # this and the following are names of the hub's pipelines
    "speaker-diarization": "diarize",
    "voice-activity-detection": "vad",
    "text2text-generation": "text",
}
"""Values of `task`, each with its meaning."""
YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off", ""})


def model_routes(service: Service) -> Blueprint:
    """Return the routes, bound to a service."""
    routes = Blueprint("models", __name__)

    @routes.get("/v1/models")
    @tag(["Models"])
    @document_querystring(TaskQuery)
    @document_response(ModelList)
    @can_fail(InvalidParam)
    async def list_models() -> dict[str, object]:
        """Models that can transcribe now, installed or loaded; with `?task=` those that can do this task."""
        listed = service.router.here() if "task" in request.args else service.router.usable()
        shown = _filtered(service, listed, ("task",))
        default = service.router.default()
        beside = describe(service, default) if default else None
        bodies = describe_all(service, shown)
        return model_list(bodies, beside, service.settings.compat).model_dump()

    @routes.get("/v1/models/<path:name>")
    @tag(["Models"])
    @document_response(ModelBody)
    @can_fail(*MODEL)
    async def retrieve_model(name: str) -> dict[str, object]:
        """One model, by id, alias or plugin/id; if the name is its alias, the answer has that as id."""
        model = service.router.installed(name)
        return {**describe(service, model).model_dump(), "id": answering_id(name, model)}

    @routes.get("/v1/registry")
    @tag(["Models"])
    @document_querystring(RegistryQuery)
    @document_response(Registry)
    @can_fail(InvalidParam)
    async def list_registry() -> dict[str, object]:
        """All known models, filtered by `?task= &language= &state= &backend=`."""
        shown = _filtered(service, service.catalogue, ("task", "language", "state", "backend"))
        return Registry(data=register(service, shown)).model_dump()

    @routes.delete("/v1/models/<path:name>")
    @tag(["Models"])
    @document_querystring(ForceQuery)
    @document_response(Deleted)
    @can_fail(InsufficientStorage, InvalidParam, ModelBusy, ModelProtected, *MODEL)
    async def delete_model(name: str) -> dict[str, object]:
        """Delete a model's files, or cancel its download; `?force=true` also if it is in use."""
        model, force = service.router.require(name), read_flag("force")
        removed = await remove(service, model, force=force)
        return deleted_body(model, removed).model_dump()

    @routes.post("/v1/models/<path:name>/verify")
    @tag(["Models"])
    @document_response(Verified)
    @can_fail(*MODEL)
    async def verify_model(name: str) -> dict[str, object]:
        """Hash a model's files again and compare them with the hashes at the time of download."""
        return verified_body(await asyncio.to_thread(verify, service, name)).model_dump()

    return routes


def read_flag(name: str) -> bool:
    """Return a boolean of the query; absent: False. Raises InvalidParam."""
    value = request.args.get(name, "").lower()
    if value not in YES | NO:
        raise InvalidParam(f"'{name}' is true or false, not '{value[:40]}'.", param=name)
    return value in YES


def _filtered(service: Service, models: Iterable[Model], names: tuple[str, ...]) -> list[Model]:
    """Return the models that match the query. Raises InvalidParam."""
    task = _choice("task", TASKS) if "task" in names else None
    state = _choice("state", get_args(State)) if "state" in names else None
    plugins = [plugin.name for plugin in service.plugins]
    backend = _choice("backend", plugins) if "backend" in names else None
    language = _language() if "language" in names else None
    return [
        model
        for model in models
        if (task is None or TASKS[task] in tasks_of(model))
        and (language is None or not model.spec.languages or language in model.spec.languages)
        and (state is None or service.state(model) == state)
        and (backend is None or model.plugin == backend)
    ]


def _choice(name: str, allowed: Iterable[str]) -> str | None:
    value = request.args.get(name)
    if value is not None and value not in allowed:
        raise InvalidParam(f"'{name}' is one of {', '.join(allowed)}, not '{value[:40]}'.", param=name)
    return value


def _language() -> str | None:
    value = request.args.get("language")
    try:
        return parse_language(value) if value is not None else None
    except ValueError as error:
        raise InvalidParam(f"'language': {error}", param="language") from error
