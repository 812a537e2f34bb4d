"""Errors as responses, the framework's own included, in the dialect of the route that was asked.

OpenAI's four-key JSON everywhere but on the routes of gigastt and whisper.cpp, whose clients read a text.
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
    "POST /v1/audio/transcriptions takes recordings, and stream=true tells their text as it comes."
)

IMPLIED = frozenset({"HEAD", "OPTIONS"})
"""Methods that a route has without being written for them."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
"""What the system says where a file must not grow any more, or cannot."""

log = logging.getLogger(__name__)


def error_response(error: GovorError) -> Response:
    """Render an error; transient ones say when to come back, permanent ones that there is no use."""
    annotate(code=error.code)
    status, body, retry_after = in_dialect(_path(), error)
    response = json_response(body, status)
    if retry_after is not None:
        response.headers["retry-after"] = str(math.ceil(retry_after))
        response.headers["retry-after-ms"] = str(round(retry_after * 1000))
    elif error.status == 409 or (error.status >= 500 and not isinstance(error, ShuttingDown)):
        response.headers["x-should-retry"] = "false"  # the SDK would do the same thing twice more
    if isinstance(error, Unauthorized):
        response.headers["www-authenticate"] = "Bearer"
    return response


def in_dialect(path: str, error: GovorError) -> tuple[int, dict[str, object], float | None]:
    """Return status, body, and seconds until a retry, as clients of a path know them."""
    if FLAT.fullmatch(path):
        return flat_error(error)
    if PLAIN.fullmatch(path):
        return error.status, {"error": str(error), "code": error.code}, error.retry_after
    return error.status, {"error": error_body(error)}, error.retry_after


def is_flat(path: str) -> bool:
    """Tell whether a path's errors are a text and a code, instead of OpenAI's object."""
    return bool(FLAT.fullmatch(path) or PLAIN.fullmatch(path))


def handle_errors(app: Quart, paths: Paths) -> None:
    """Register the handlers of everything that can be raised while a request is answered."""

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
    """Tell whether an upload cannot be kept: the disk is full, the folder read-only, closed or gone."""
    if error.errno in FULL:
        return True
    # a folder that is gone is named by the file that was to be in it; one that none can be found for is not
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
    """What was asked, by a request or in the opening of a WebSocket."""
    return request.path if has_request_context() else websocket.path
