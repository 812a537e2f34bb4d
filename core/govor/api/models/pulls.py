"""POST /v1/models and /v1/models/{id}/pull: fetch a model, with progress as events if asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError
from quart import Blueprint, Response, request
from quart_schema import document_querystring, document_request, document_response, tag

from govor.api.body.form import FORM, read_fields, urlencoded
from govor.api.body.reading import current_body
from govor.api.models.bodies import describe, model_path
from govor.api.models.catalogue import read_flag
from govor.api.models.queries import StreamQuery
from govor.api.models.schema import ModelBody, PullRequest
from govor.api.response.declared_errors import DOWNLOAD, MODEL, can_fail
from govor.api.response.sse import stream_response
from govor.engine.library import check_download, wanted_model
from govor.engine.service import Service
from govor.errors import GovorError, InvalidParam, UnsupportedOperation
from govor.formats.openai import dump_json
from govor.models.catalogue import Model
from govor.models.download.progress import Transfer

TICK_SECONDS = 0.2  # between two events of progress

Answer = Response | tuple[dict[str, object], int]


def pull_routes(service: Service) -> Blueprint:
    """Return the routes, bound to a service."""
    routes = Blueprint("pulls", __name__)

    @routes.post("/v1/models")
    @tag(["Models"])
    @document_request(PullRequest)
    @document_querystring(StreamQuery)
    @document_response(ModelBody, 201)
    @document_response(ModelBody)
    @can_fail(InvalidParam, UnsupportedOperation, *MODEL, *DOWNLOAD)
    async def pull_model() -> Answer:
        """Fetch a model's files: 201 when they are installed, 200 when they were already.

        `?stream=true` sends progress as server-sent events.
        """
        asked = await _read_body()
        if not asked.wanted:
            raise InvalidParam('Name the model in the body: {"model": "…"}.', param="model")
        return await _pull(service, asked.wanted, stream=bool(asked.stream))

    @routes.post("/v1/models/<path:name>")  # Speaches'
    @routes.post("/v1/models/<path:name>/pull")
    @tag(["Models"])
    @document_querystring(StreamQuery)
    @document_response(ModelBody, 201)
    @document_response(ModelBody)
    @can_fail(InvalidParam, UnsupportedOperation, *MODEL, *DOWNLOAD)
    async def pull_named_model(name: str) -> Answer:
        """Fetch files of the model in the path: 201 when they are installed, 200 when they were already."""
        return await _pull(service, name, stream=False)

    return routes


async def _pull(service: Service, name: str, *, stream: bool) -> Answer:
    stream = stream or read_flag("stream")
    model = await asyncio.to_thread(wanted_model, service, name)
    check_download(service, model)
    present = service.store.state(model) == "installed"
    if stream:
        # even if nothing is to be fetched: a client that asked for progress gets its last event
        return await stream_response(_events(service, model), "text/event-stream")
    await service.downloads.fetch(model)
    return describe(service, model).model_dump(), 200 if present else 201


async def _events(service: Service, model: Model) -> AsyncGenerator[bytes, None]:
    """Yield ping, progress until all is fetched, then ok or error. The download outlives the client."""
    yield b"event: ping\n\n"
    task = service.downloads.begin(model)
    transfer = service.downloads.transfer(model)
    waited, shown = 0.0, -1
    while transfer is not None and not (await asyncio.wait({task}, timeout=TICK_SECONDS))[0]:
        waited += TICK_SECONDS
        if transfer.done > shown and transfer.total:
            waited, shown = 0.0, transfer.done
            yield _progress(transfer)
        elif waited >= service.settings.keep_alive_seconds:
            waited = 0.0
            yield b"event: ping\n\n"
    yield await _last(service, model, task, transfer)


async def _last(service: Service, model: Model, task: asyncio.Task[Path], transfer: Transfer | None) -> bytes:
    """Return the events that end a stream."""
    try:
        await asyncio.shield(task)
    except GovorError as error:
        return _event("error", str(error))
    last = _progress(transfer) if transfer is not None and transfer.total else b""
    ok = {
        "id": model.id,
        "object": "model",
        "path": model_path(service, model),
        "created": service.store.installed_at(model),
    }
    return last + _event("ok", ok)


def _progress(transfer: Transfer) -> bytes:
    status = f"downloading {transfer.current}"
    return _event("progress", {"status": status, "total": transfer.total, "completed": transfer.done})


def _event(name: str, body: dict[str, object] | str) -> bytes:
    return f"event: {name}\ndata: {dump_json(body)}\n\n".encode()


async def _read_body() -> PullRequest:
    """Read the request from JSON, a form or an urlencoded body. Raises InvalidParam."""
    if request.mimetype == FORM:
        fields = {name: value for name, value in (await read_fields()).items() if value}
    else:
        raw = await current_body().read()
        with suppress(ValidationError):  # curl sends JSON as urlencoded by default
            return PullRequest.model_validate_json(raw)
        fields = urlencoded(raw)
    try:
        return PullRequest.model_validate(
            {name: fields[name] for name in PullRequest.model_fields if name in fields}
        )
    except ValidationError as error:
        raise InvalidParam("'stream' is true or false.", param="stream") from error
