"""Models in memory: load, unload, reload, list. /api/ps is in the dialect of speaches."""

from __future__ import annotations

import json

from pydantic import ValidationError
from quart import Blueprint, Response, request
from quart_schema import document_querystring, document_request, document_response, tag

from govor.api.body.reading import current_body
from govor.api.models.bodies import describe
from govor.api.models.queries import ForceQuery
from govor.api.models.schema import MemoryBody, MemoryEvent, ModelBody, ResidentBody, Residents
from govor.api.response.declared_errors import MEMORY, MODEL, can_fail
from govor.engine.model_pool.process_memory import resident_bytes
from govor.engine.model_pool.snapshot import ModelSnapshot, PoolSnapshot
from govor.engine.service import Service
from govor.errors import AlreadyLoaded, InvalidParam, ModelBusy, ModelNotFound
from govor.errors.values import fault_of
from govor.models.selection.requested_names import answering_id
from govor.models.selection.routing import UNNAMED
from govor.plain import with_whole_letters
from govor.settings.model import ModelSettings


def loaded_routes(service: Service) -> Blueprint:
    """Return the routes, bound to a service."""
    routes = Blueprint("loaded", __name__)

    @routes.post("/v1/models/<path:name>/load")
    @tag(["Models"])
    @document_request(ModelSettings)
    @document_response(ModelBody)
    @can_fail(InvalidParam, ModelBusy, *MODEL, *MEMORY)
    async def load(name: str) -> dict[str, object]:
        """Load a model into memory. The body may set its device, precision, threads and time in memory."""
        model = service.router.installed(name)
        service.pool.load_settings.override(model, _read_settings(await current_body().read()))
        service.asked.note(name, model)
        await service.pool.load(model)
        return describe(service, model).model_dump()

    @routes.post("/v1/models/<path:name>/unload")
    @tag(["Models"])
    @document_querystring(ForceQuery)
    @document_response(ModelBody)
    @can_fail(InvalidParam, ModelBusy, *MODEL)
    async def unload(name: str) -> dict[str, object]:
        """Unload a model and keep its files: 409 while it is in use, unless `force` ends its work."""
        model = service.router.require(name)
        await service.pool.unload(model, force=_forced())
        return describe(service, model).model_dump()

    @routes.post("/v1/models/<path:name>/reload")
    @tag(["Models"])
    @document_request(ModelSettings)
    @document_response(ModelBody)
    @can_fail(InvalidParam, ModelBusy, *MODEL, *MEMORY)
    async def reload(name: str) -> dict[str, object]:
        """Load a model again, with other settings or files; the old one answers until it is loaded."""
        model = service.router.installed(name)
        asked, before = (
            _read_settings(await current_body().read()),
            service.pool.load_settings.overrides(model),
        )
        service.pool.load_settings.override(model, asked)
        try:
            await service.pool.reload(model)
        except BaseException:
            service.pool.load_settings.restore(model, before)
            raise
        return describe(service, model).model_dump()

    _add_speaches_routes(routes, service)
    return routes


def _add_speaches_routes(routes: Blueprint, service: Service) -> None:
    @routes.get("/api/ps")
    @tag(["Models"])
    @document_response(Residents)
    async def list_loaded() -> dict[str, object]:
        """Models in memory, their memory, and recent loads and unloads."""
        return _residents(service).model_dump()

    @routes.post("/api/ps/<path:name>")
    @tag(["Models"])
    @document_response(ModelBody, 201)
    @can_fail(InvalidParam, AlreadyLoaded, ModelBusy, *MODEL, *MEMORY)
    async def load_as_speaches(name: str) -> tuple[dict[str, object], int]:
        """Load a model, as speaches does: 409 if it is loaded already."""
        model = service.router.installed(name)
        if service.pool.loaded(model):
            raise AlreadyLoaded(f"The model '{model.id}' is in memory already.", param="model")
        service.asked.note(name, model)
        await service.pool.load(model)
        return {**describe(service, model).model_dump(), "id": answering_id(name, model)}, 201

    @routes.delete("/api/ps/<path:name>")
    @tag(["Models"])
    @document_querystring(ForceQuery)
    @can_fail(InvalidParam, ModelBusy, *MODEL)
    async def unload_as_speaches(name: str) -> Response:
        """Unload a model, as speaches does: 204; 404 if it is not loaded."""
        model = service.router.require(name)
        if not await service.pool.unload(model, force=_forced()):
            loaded = [each.model.id for each in _named(service.pool.snapshot()) if each.runtime]
            raise ModelNotFound(model.id, loaded, "is not in memory")
        return Response(status=204)


def _read_settings(body: str | bytes) -> ModelSettings:
    """Return the settings in a body, none if it is empty. Raises InvalidParam."""
    known = ", ".join(ModelSettings.model_fields)
    try:
        values = json.loads(body, parse_float=_number) if body.strip() else {}
        if isinstance(values, dict) and (unknown_names := values.keys() - ModelSettings.model_fields.keys()):
            name = with_whole_letters(min(unknown_names)[:40])
            raise InvalidParam(f"'{name}' is no setting; send JSON with any of {known}.", param=name)
        return ModelSettings.model_validate(values, strict=True)
    except ValidationError as error:
        fault = error.errors()[0]
        field = str(fault["loc"][0]) if fault["loc"] else None
        raise InvalidParam(
            f"{fault_of(fault) if field else 'The body is no object'}; send JSON with any of {known}.",
            param=field,
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidParam(f"The body is not JSON; send an object with any of {known}.") from error


def _number(text: str) -> float:
    """Read a number with a decimal point: 4.0 is an integer in JSON."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _forced() -> bool:
    """Read `?force=`. Raises InvalidParam."""
    try:
        return ForceQuery.model_validate(request.args.to_dict()).force
    except ValidationError as error:
        raise InvalidParam("'force' is true or false.", param="force") from error


def _residents(service: Service) -> Residents:
    pool = service.pool.snapshot()
    return Residents(
        models=[
            name for each in _named(pool) if each.status == "loaded" for name in service.asked.of(each.model)
        ],
        data=[_describe(each) for each in pool.models],
        memory=MemoryBody(budget=pool.budget or None, used=pool.used, process=resident_bytes()),
        events=[
            MemoryEvent(
                time=event.time, event=event.what, model=event.model, memory=event.memory, reason=event.reason
            )
            for event in pool.events
        ],
    )


def _named(pool: PoolSnapshot) -> list[ModelSnapshot]:
    """Return the models that clients name: no voice detectors, and none for texts."""
    return [each for each in pool.models if each.model.kind not in UNNAMED]


def _describe(each: ModelSnapshot) -> ResidentBody:
    if each.runtime is None:
        return ResidentBody(
            id=each.model.id,
            status=each.status,
            progress=each.progress,
            stage=each.stage,
            backend=each.model.plugin,
            requests=each.requests,
        )
    return ResidentBody(
        id=each.model.id,
        status=each.status,
        progress=each.progress,
        stage=each.stage,
        backend=each.model.plugin,
        device=each.runtime.device,
        precision=each.runtime.precision,
        threads=each.runtime.threads or None,
        workers=each.workers,
        memory=each.memory,
        measured=each.measured,
        working=each.working,
        loaded_at=each.loaded_at,
        load_seconds=round(each.load_seconds, 3),
        used_at=each.used_at,
        requests=each.requests,
        ttl=each.ttl,
        expires_at=each.expires_at,
        pinned=each.pinned,
    )
