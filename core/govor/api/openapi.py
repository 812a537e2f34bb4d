"""/openapi.json, and the page /docs that shows it with scripts from an installed package, not a CDN."""

from __future__ import annotations

import asyncio
import importlib.resources
import re
from typing import Any

from quart import Quart, Response
from quart_schema import APIKeySecurityScheme, HttpSecurityScheme, Info, OpenAPIProvider, QuartSchema, hide
from werkzeug.exceptions import NotFound

from govor import __version__
from govor.api.auth import OPEN_PATHS
from govor.api.dialect_schema import FlatError
from govor.api.responses import is_flat
from govor.api.schema import ErrorBody
from govor.errors import GovorError

ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Govor</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script>
// validatorUrl: by default every visitor's browser would show this server's address to swagger.io
SwaggerUIBundle({dom_id: "#swagger-ui", url: "/openapi.json", deepLinking: true, validatorUrl: null});
</script></body></html>
"""
TEXTS = ("text/plain", "text/vtt")
EVENTS = "text/event-stream"
AUDIO = ("transcriptions", "translations", "diarize")
TEXT_BODIES = {
    **{f"{base}/audio/{route}": (*TEXTS, EVENTS) for base in ("/v1", "/api/v1") for route in AUDIO},
    "/v1/transcribe": (*TEXTS, "application/x-subrip", "text/markdown"),
    "/v1/transcribe/stream": (EVENTS,),
    "/inference": (*TEXTS, "application/x-subrip"),
    "/load": ("text/plain",),
    "/metrics": ("text/plain",),
    "/v1/jobs/{job}/result": TEXTS,
    "/v1/jobs/{job}/events": (EVENTS,),
}
"""What routes answer beside JSON."""

RECORDINGS = ("audio/wav", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/flac", "application/octet-stream")
RAW_PATHS = ("/v1/transcribe", "/v1/transcribe/stream")
"""Routes whose body is the recording, of these types and all others."""


class Provider(OpenAPIProvider):
    """Adds what the decorators cannot say: text bodies beside JSON, errors of every route, open routes."""

    def schema(self) -> dict[str, Any]:
        """Return the whole document."""
        document: dict[str, Any] = super().schema()
        document["components"]["schemas"]["Error"] = ErrorBody.model_json_schema()["$defs"]["ErrorDetail"]
        document["components"]["schemas"]["FlatError"] = FlatError.model_json_schema()
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                operation["operationId"] = re.sub(r"\W+", "_", f"{method}{path}").rstrip("_")
                if path in OPEN_PATHS:
                    operation["security"] = []
                answers = {str(status): answer for status, answer in operation["responses"].items()}
                if not answers and path not in TEXT_BODIES:
                    answers = {"204": {"description": "Done; there is no body.", "content": {}}}
                if path in TEXT_BODIES:
                    texts = {kind: {"schema": {"type": "string"}} for kind in TEXT_BODIES[path]}
                    good = answers.setdefault("200", {"description": "A text.", "content": {}})
                    good["content"].update(texts)
                if path in RAW_PATHS:
                    binary = {"schema": {"type": "string", "format": "binary"}}
                    operation["requestBody"] = {
                        "required": True,
                        "content": dict.fromkeys(RECORDINGS, binary),
                    }
                operation["responses"] = {**answers, "default": _any_error(path)}
        return document


def document_api(app: Quart) -> None:
    """Add the two routes; call it before the routes that are to be documented are asked for."""
    QuartSchema(
        app,
        info=Info(
            title="Govor", version=__version__, description="Speech to text behind the OpenAI audio API."
        ),
        security_schemes={
            "key": HttpSecurityScheme(scheme="bearer"),
            "key_header": APIKeySecurityScheme(in_="header", name="X-API-Key"),
        },
        security=[{"key": []}, {"key_header": []}],
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        openapi_provider_class=Provider,
    )
    folder = importlib.resources.files("flask_swagger_ui") / "dist"

    @app.get("/docs")
    @hide
    async def docs_page() -> str:
        return PAGE

    @app.get("/docs/<name>")
    @hide
    async def docs_asset(name: str) -> Response:
        if name not in ASSETS:
            raise NotFound
        content = await asyncio.to_thread((folder / name).read_bytes)
        return Response(content, content_type=ASSETS[name])


def _any_error(path: str) -> dict[str, Any]:
    codes = sorted({(kind.status, kind.code) for kind in _tree(GovorError)})
    listed = ", ".join(f"{status} {code}" for status, code in codes)
    schema = {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"$ref": "#/components/schemas/Error"}},
    }
    if is_flat(path):
        schema = {"$ref": "#/components/schemas/FlatError"}
    return {"description": f"Any error: {listed}.", "content": {"application/json": {"schema": schema}}}


def _tree(kind: type[GovorError]) -> list[type[GovorError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _tree(child))]
