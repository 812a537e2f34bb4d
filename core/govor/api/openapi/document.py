"""/openapi.json: built from the routes' decorators, sorted, with additions that they cannot express."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

from quart import Quart, Response
from quart_schema import (
    APIKeySecurityScheme,
    HttpSecurityScheme,
    Info,
    OpenAPIProvider,
    QuartSchema,
    Server,
    hide,
)
from werkzeug.routing import Rule

from govor import __version__
from govor.api.dialects.schema import FlatError
from govor.api.http.auth import OPEN_PATHS
from govor.api.http.errors import ErrorBody
from govor.api.openapi.route_errors import refusals
from govor.api.request.fields import MORE_FORMATS
from govor.formats.openai import dump_json
from govor.formats.rendering.known_formats import Formats

TEXTS = ("text/plain", "text/vtt")
ADDED = ""
"""Stands in TEXT_BODIES for the types of the formats that plugins add."""
FORMATS = (*TEXTS, "text/tab-separated-values", ADDED)
EVENTS = "text/event-stream"
JSON = "application/json"
TEXT = {"type": "string"}
BINARY = {"type": "string", "format": "binary"}
EMPTY = {"type": "string", "maxLength": 0}
EVENT = {
    "type": "object",
    "description": "One event of the stream.",
    "required": ["data"],
    "properties": {
        "event": {**TEXT, "description": "Its name, if it has one."},
        "id": {**TEXT, "description": "Its id for Last-Event-ID, if it has one."},
        "data": {**TEXT, "description": "An object in JSON; the last one of OpenAI's streams is [DONE]."},
    },
}
BASES = ("/v1", "/api/v1")
DEPLOYMENT = "/openai/deployments/{name}"
DOUBLES = "/api/v1/"
"""Prefix of paths that repeat others; these are sorted to the end."""

FIRST = ("file", "audio_file", "model", "language", "response_format", "stream", "prompt")
"""Fields that come first in forms; the others follow in the order of their declaration."""

DOCUMENT = "/openapi.json"
AUDIO = ("transcriptions", "translations", "diarize")
TEXT_BODIES = {
    **{f"POST {base}/audio/{route}": (*FORMATS, EVENTS) for base in BASES for route in AUDIO},
    **{f"POST {DEPLOYMENT}/audio/{route}": (*FORMATS, EVENTS) for route in AUDIO[:2]},
    **{
        f"POST {base}/models{route}": (EVENTS,) for base in BASES for route in ("", "/{name}", "/{name}/pull")
    },
    **{f"POST {base}/audio/diarization": ("text/plain",) for base in BASES},
    "POST /v1/transcribe": (*TEXTS, "application/x-subrip", "text/markdown", ADDED),
    "POST /v1/transcribe/stream": (EVENTS,),
    "POST /inference": (*TEXTS, "application/x-subrip", ADDED),
    "POST /load": ("text/plain",),
    "POST /asr": FORMATS,
    "GET /metrics": ("text/plain",),
    "GET /v1/jobs/{job}/result": FORMATS,
    "GET /v1/jobs/{job}/events": (EVENTS,),
}
"""Content types of routes' answers beside JSON."""

RECORDINGS = ("audio/wav", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/flac", "application/octet-stream")
RAW_PATHS = ("/v1/transcribe", "/v1/transcribe/stream")
"""Routes whose body is the recording, of the types RECORDINGS or any other."""


TAGS = {
    "Audio": "Recordings to text: OpenAI's routes, and go-whisper's below /api/v1.",
    "Jobs": "Transcriptions that go on without their client.",
    "Models": "Models on disk and in memory: list, fetch, load, delete.",
    "Status": "Liveness, readiness and installed plugins.",
    "Azure": "OpenAI's routes below Azure's base URL; a deployment is the name of a model.",
    "gigastt": "The routes of gigastt; their errors are flat.",
    "whisper-asr-webservice": "Its two routes, which Bazarr speaks; errors are OpenAI's.",
    "whisper.cpp": "The routes of whisper.cpp's server; their errors are flat.",
}
ABOUT = """Speech to text behind the OpenAI audio API.

Beside what each route lists, any request may be answered 400 `bad_request`, 404 `not_found`,
405 `method_not_allowed`, 408 `request_timeout`, 413 `payload_too_large`, 414 `uri_too_long` or
431 `headers_too_large`. Every answer has the header `x-request-id`.

Instead of a form with a `file`, routes take JSON too, with the same fields as keys and the recording as
`{"input_audio": {"data": BASE64, "format": "wav"}}`, or as `{"file": BASE64}`.
"""
PATH_PARAMETERS = {
    "name": ("Id, alias or plugin/id of a model; slashes may be written as they are.", "whisper-base"),
    "job": ("Id of a job.", "job_5d9f27e0c1a84c0f"),
}
OPTIONAL_BODIES = ("/v1/models/{name}/load", "/v1/models/{name}/reload")
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


class Provider(OpenAPIProvider):
    """Adds to the decorators' document: other bodies than JSON, errors of all routes, open routes."""

    formats: Formats

    def schema(self) -> dict[str, Any]:
        """Return the whole document."""
        document: dict[str, Any] = super().schema()
        schemas = document["components"]["schemas"]
        schemas["Error"] = ErrorBody.model_json_schema()["$defs"]["ErrorDetail"]
        schemas["ErrorBody"] = _object_of(error={"$ref": "#/components/schemas/Error"})
        schemas["FlatError"] = FlatError.model_json_schema()
        document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
        document["paths"] = dict(sorted(document["paths"].items(), key=lambda it: it[0].startswith(DOUBLES)))
        return document

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the operations of one route, by path and method, and the schemas that they use."""
        paths, schemas = super().build_paths(rule)
        for path, methods in paths.items():
            for method, operation in methods.items():
                operation["operationId"] = re.sub(r"\W+", "_", f"{method}{path}").rstrip("_")
                if path in OPEN_PATHS:
                    operation["security"] = []
                _describe_request(path, operation, self.formats)
                answers = _answers(f"{method.upper()} {path}", operation["responses"], self.formats)
                errors = refusals(method.upper(), path, self._app.view_functions[rule.endpoint])
                operation["responses"] = {**errors, **answers}
        return paths, schemas


class Documents:
    """The document with and without security schemes, built once: that takes a large part of a second."""

    def __init__(self, provider: Callable[[], OpenAPIProvider]):
        self._provider = provider
        self._making = asyncio.Lock()
        self._made: dict[bool, str] = {}

    async def get(self, *, keyed: bool) -> str:
        """Return the document as JSON; `keyed`: keys are asked for."""
        async with self._making:
            if not self._made:
                self._made = await asyncio.to_thread(self._make)
        return self._made[keyed]

    def _make(self) -> dict[bool, str]:
        document = self._provider().schema()
        made = {True: dump_json(document)}
        del document["security"], document["components"]["securitySchemes"]
        return {**made, False: dump_json(document)}  # keys are optional, so the page should not ask for one


def _answers(route: str, documented: dict[Any, Any], formats: Formats) -> dict[str, Any]:
    """Return a route's answers from its decorators, and the bodies that it may send instead of JSON."""
    answers = {str(status): answer for status, answer in documented.items()}
    if not answers and route not in TEXT_BODIES:
        answers = {"204": {"description": "Done; there is no body.", "content": {}}}
    if route in TEXT_BODIES:
        texts = {kind: {"schema": EVENT if kind == EVENTS else TEXT} for kind in TEXT_BODIES[route] if kind}
        if ADDED in TEXT_BODIES[route]:
            texts |= _added_bodies(formats)
        about = "Events." if TEXT_BODIES[route] == (EVENTS,) else "A text."
        good = answers.setdefault("200", {"description": about, "content": {}})
        good["content"].update(texts)
    return answers


def _added_bodies(formats: Formats) -> dict[str, Any]:
    """Return the bodies of the plugins' formats by their types."""
    types = {formats.media_type(name).partition(";")[0]: name for name in formats.added}
    return {
        kind: {"schema": TEXT if formats.is_text(name) else BINARY}
        for kind, name in types.items()
        if kind != JSON
    }


def _describe_request(path: str, operation: dict[str, Any], formats: Formats) -> None:
    """Add to parameters and bodies what their models cannot express."""
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            parameter["description"], parameter["example"] = PATH_PARAMETERS[parameter["name"]]
        else:
            parameter["schema"] = _with_formats(_without_null(parameter["schema"]), formats)
    if "requestBody" in operation:
        operation["requestBody"]["required"] = path not in OPTIONAL_BODIES
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if kind in FORMS:
            properties = content["schema"]["properties"]
            names = dict.fromkeys([*(name for name in FIRST if name in properties), *properties])
            content["schema"]["properties"] = {
                name: _with_default(_with_formats(_without_null(properties[name]), formats)) for name in names
            }
    if path in RAW_PATHS:
        binary = {"schema": {**BINARY, "minLength": 1}}
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(RECORDINGS, binary)}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Remove null from a schema: forms and queries have no null, an unset field is absent."""
    branches = [branch for branch in schema.get("anyOf", ()) if branch.get("type") != "null"]
    schema = {key: value for key, value in schema.items() if (key, value) != ("default", None)}
    if len(branches) == 1:
        del schema["anyOf"]
        return {**branches[0], **schema}
    return {**schema, "anyOf": branches} if branches else schema


def _with_formats(schema: dict[str, Any], formats: Formats) -> dict[str, Any]:
    """Add the names of the plugins' formats to a field that takes them."""
    if MORE_FORMATS not in schema:
        return schema
    schema = {key: value for key, value in schema.items() if key != MORE_FORMATS}
    return {**schema, "enum": list(dict.fromkeys((*schema["enum"], *formats.added)))}


def _with_default(schema: dict[str, Any]) -> dict[str, Any]:
    """Allow an optional field to be empty, which means absent: otherwise pages send an example value."""
    if {"default", "enum", "minLength"} & schema.keys() or schema.get("format") == "binary":
        return schema
    if schema.get("type") in ("integer", "number"):
        bounds = {
            key: schema[key]
            for key in ("type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
            if key in schema
        }
        about = {key: value for key, value in schema.items() if key not in bounds}
        return {**about, "default": "", "anyOf": [bounds, EMPTY]}
    return {"default": "", **schema} if schema.get("type") == "string" else schema


def _object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def document_api(app: Quart, keyed: Callable[[], bool], formats: Formats) -> None:
    """Add the route of the document, with the plugins' `formats`; `keyed` returns whether keys are asked for.

    Call it before any documented route is requested.
    """
    provider = type("ProviderWithFormats", (Provider,), {"formats": formats})
    QuartSchema(
        app,
        info=Info(title="Govor", version=__version__, description=ABOUT),
        servers=[Server(url=".", description="This server.")],  # a proxy may serve it below another path
        security_schemes={
            "key": HttpSecurityScheme(scheme="bearer"),
            "key_header": APIKeySecurityScheme(in_="header", name="X-API-Key"),
        },
        security=[{"key": []}, {"key_header": []}],
        openapi_path=None,
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        openapi_provider_class=provider,
    )

    documents = Documents(lambda: app.extensions["QUART_SCHEMA"].openapi_provider)

    @app.get(DOCUMENT)
    @hide
    async def openapi() -> Response:
        return Response(await documents.get(keyed=keyed()), content_type="application/json")
