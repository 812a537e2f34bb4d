"""Errors as responses, the framework's own included, in the dialect of the route.

OpenAI's four-key JSON, except on the routes of gigastt and whisper.cpp, whose clients expect a text.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import re
from pathlib import Path

from pydantic import BaseModel
from quart import Quart, Response, has_request_context, request, websocket
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from govor.api.http.paths import Paths
from govor.api.http.request_context import annotate
from govor.api.response.json import json_response
from govor.errors import GovorError, InsufficientStorage, ShuttingDown, Unauthorized
from govor.formats.dialects.gigastt import flat_error
from govor.formats.openai import error_body


class ErrorDetail(BaseModel):
    """OpenAI's four keys."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """The body of every error."""

    error: ErrorDetail


FLAT = re.compile(r"/(v1/transcribe|v1/transcribe/stream|v1/ws|metrics)/?")
"""Paths whose errors are gigastt's, status and all."""

PLAIN = re.compile(r"/(inference|load)/?")
"""Paths whose errors are whisper.cpp's: the body of gigastt's, with the usual statuses."""

CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "payload_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    431: "headers_too_large",
}
"""`code` of the errors that the framework itself raises."""

RECORDINGS_INSTEAD = (
    "POST /v1/audio/transcriptions takes recordings, and stream=true sends their text as it comes."
)

IMPLIED = frozenset({"HEAD", "OPTIONS"})
"""Methods that the framework adds to a route."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
"""Errors of the system if a file cannot grow, or may not."""

log = logging.getLogger(__name__)


def error_response(error: GovorError) -> Response:
    """Render an error; a transient one says when to retry, a permanent one that a retry is useless."""
    annotate(code=error.code)
    status, body, retry_after = in_dialect(_path(), error)
    response = json_response(body, status)
    if retry_after is not None:
        response.headers["retry-after"] = str(math.ceil(retry_after))
        response.headers["retry-after-ms"] = str(round(retry_after * 1000))
    elif error.status == 409 or (error.status >= 500 and not isinstance(error, ShuttingDown)):
        response.headers["x-should-retry"] = "false"  # else the SDK would retry twice
    if isinstance(error, Unauthorized):
        response.headers["www-authenticate"] = "Bearer"
    return response


def in_dialect(path: str, error: GovorError) -> tuple[int, dict[str, object], float | None]:
    """Return status, body, and seconds until a retry (None: no retry), in the dialect of a path."""
    if FLAT.fullmatch(path):
        return flat_error(error)
    if PLAIN.fullmatch(path):
        return error.status, {"error": str(error), "code": error.code}, error.retry_after
    return error.status, {"error": error_body(error)}, error.retry_after


def is_flat(path: str) -> bool:
    """Return whether a path's errors are a text and a code, instead of OpenAI's object."""
    return bool(FLAT.fullmatch(path) or PLAIN.fullmatch(path))


def handle_errors(app: Quart, paths: Paths) -> None:
    """Register handlers for all errors raised while a request is answered."""

    @app.errorhandler(GovorError)
    async def govor_error(error: GovorError) -> Response:
        return error_response(error)

    @app.errorhandler(HTTPException)
    async def framework_error(error: HTTPException) -> Response:
        wrapped = GovorError(_message(paths, error))
        wrapped.status = error.code or 500
        wrapped.code = CODES.get(wrapped.status, "internal_error")
        wrapped.type = "server_error" if wrapped.status >= 500 else "invalid_request_error"
        response = error_response(wrapped)
        for name, value in error.get_headers():
            if name.lower() == "allow":
                response.headers[name] = value
        return response

    @app.errorhandler(OSError)
    async def system_error(error: OSError) -> Response:
        if not _is_of_spool(error):
            return await unexpected_error(error)
        return error_response(InsufficientStorage(f"The upload cannot be kept: {error.strerror}."))

    @app.errorhandler(Exception)
    async def unexpected_error(error: Exception) -> Response:
        log.error("A request failed", exc_info=error)
        return error_response(GovorError("The server failed on this request; its log says more."))


def _is_of_spool(error: OSError) -> bool:
    """Return whether an upload cannot be kept: the disk is full, the folder read-only, closed or gone."""
    if error.errno in FULL:
        return True
    # if the folder is gone, the error names the file in it; if no folder for temporary files is found, none
    return (
        Path(os.fsdecode(error.filename)).name.startswith("govor-")
        if isinstance(error.filename, str | bytes)
        else error.errno == errno.ENOENT
    )


def _message(paths: Paths, error: HTTPException) -> str:
    if not has_request_context():
        return f"There is no WebSocket {_path()} here: live audio is not served. {RECORDINGS_INSTEAD}"
    if error.code == 404 and (meant := paths.nearest(request.path, request.method)):
        return f"There is no {request.path} here, but {meant} there is: look at the client's base URL."
    if isinstance(error, MethodNotAllowed) and (methods := set(error.valid_methods or ()) - IMPLIED):
        return f"{request.path} takes {' or '.join(sorted(methods))}, not {request.method}."
    if error.code in (404, 405):
        return f"There is no {request.method} {request.path} here; /docs shows what there is."
    return error.description or error.name


def _path() -> str:
    """Return the path of the request, or of the WebSocket's opening handshake."""
    return request.path if has_request_context() else websocket.path
