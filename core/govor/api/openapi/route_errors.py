"""The errors that each route can answer with, for /openapi.json: by status, with codes and meanings.

Tests send many wrong requests to every route, and compare the errors with this list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from govor import errors
from govor.api.http.errors import in_dialect, is_flat

Kinds = tuple[type[errors.GovorError], ...]

FORM: Kinds = (
    errors.InvalidParam,
    errors.EmptyBody,
    errors.MissingFile,
    errors.UnsupportedMediaType,
)
SOUND: Kinds = (
    errors.InvalidAudio,
    errors.AudioTooLong,
    errors.DecoderLost,
    errors.DecodersUnavailable,
)
TURN: Kinds = (errors.RateLimited, errors.ServerBusy, errors.QueueTimeout)
MEMORY: Kinds = (errors.LoadFailed, errors.InsufficientMemory, errors.ModelUnloaded)
FETCHED: Kinds = (errors.DownloadFailed, errors.DownloadForbidden, errors.InsufficientStorage)
MODEL: Kinds = (errors.ModelNotFound, errors.ModelNotInstalled)
WORK: Kinds = (*SOUND, *TURN, *MODEL, *MEMORY, errors.TranscriptionFailed, errors.UnsupportedOperation)
ADDRESS: Kinds = (errors.UrlFailed, errors.UrlNotAllowed)
KEPT: Kinds = (errors.JobsUnavailable, errors.InsufficientStorage)
JOB: Kinds = (errors.JobNotFound, errors.JobsUnavailable)

RULES: tuple[tuple[str, Kinds], ...] = (
    (r".*", (errors.GovorError,)),
    (r"POST .*", (errors.PayloadTooLarge, errors.UploadStalled, errors.InsufficientStorage)),
    (r"POST .*", (errors.UnsupportedMediaType,)),
    (r"(POST|DELETE) .*", (errors.ShuttingDown,)),
    (r"(POST|DELETE) .*(/models|/api/ps|/v1/storage|/load).*", (errors.AdminRequired,)),
    (r"POST .*/audio/(transcriptions|translations|diarize)", (*FORM, *WORK, *ADDRESS, *KEPT)),
    (r"POST .*/audio/diarization", (*FORM, *SOUND, *TURN, *ADDRESS, *MEMORY)),
    (r"POST .*/audio/diarization", (errors.UnsupportedOperation, errors.TranscriptionFailed, *MODEL)),
    (r"POST /v1/audio/detect", (*FORM, *WORK)),
    (r"POST .*/audio/speech/timestamps", (*FORM, *SOUND, *TURN)),
    (r"POST .*/audio/speech/embedding", (*FORM, *WORK)),
    (r"POST (/v1)?/vad", (errors.InvalidParam, errors.AudioTooLong, *TURN)),
    (r"POST (/inference|/asr|/detect-language)", (*FORM, *WORK)),
    (r"POST /v1/transcribe.*", (errors.InvalidParam, errors.EmptyBody, errors.MissingFile, *WORK)),
    (r"POST /load", (errors.InvalidParam, *MODEL, *MEMORY)),
    (r"GET .*/(models|registry)", (errors.InvalidParam,)),
    (r"\w+ .*/{name}.*", MODEL),
    (r"POST .*/models(/{name}(/pull)?)?", (*FETCHED, *MODEL, errors.InvalidParam)),
    (r"POST .*/models(/{name}(/pull)?)?", (errors.UnsupportedOperation, errors.DownloadCancelled)),
    (r"POST .*/(load|reload|ps/{name})", (*MEMORY, errors.InvalidParam, errors.ModelBusy)),
    (r"POST .*/ps/{name}", (errors.AlreadyLoaded,)),
    (r"POST .*/unload|DELETE .*/{name}", (errors.InvalidParam, errors.ModelBusy)),
    (r"DELETE .*/models/{name}", (errors.ModelProtected,)),
    (r"\w+ /v1/jobs/{job}.*", JOB),
    (r"GET /v1/jobs", (errors.InvalidParam, *JOB)),
    (r"GET /v1/jobs/{job}/events", (errors.InvalidParam,)),
    (r"GET /v1/jobs/{job}/result", (errors.InvalidParam, errors.UnsupportedOperation)),
    (r"GET /v1/jobs/{job}/result", (errors.JobNotFinished, errors.JobCancelled)),
    (r"GET /v1/jobs/{job}/result", (errors.TranscriptionFailed, *SOUND, *MEMORY, *MODEL)),
    (r"GET /metrics", (errors.MetricsDisabled,)),
)
"""Patterns of "METHOD /path", each with errors of such routes; the errors of all matches are combined."""

GUARDED: Kinds = (errors.Unauthorized, errors.RateLimited, errors.OriginDenied, errors.HostDenied)
"""Errors of all routes that are not open to everybody."""


def refusals(method: str, path: str, *, is_open: bool) -> dict[str, Any]:
    """Return a route's error answers for OpenAPI, by status, without the framework's own errors."""
    route = f"{method.upper()} {path}"
    kinds = {kind for rule, listed in RULES if re.fullmatch(rule, route) for kind in listed}
    if not is_open:
        kinds |= set(GUARDED)
    by_status: dict[int, dict[str, str]] = {}
    for status, code, meaning in sorted(_code_and_meaning(path, kind) for kind in kinds):
        by_status.setdefault(status, {}).setdefault(code, meaning)
    return {str(status): _answer(path, codes) for status, codes in by_status.items()}


def all_kinds(kind: type[errors.GovorError] = errors.GovorError) -> Iterator[type[errors.GovorError]]:
    """Yield all kinds of errors, except the one that keeps the server from starting."""
    if kind is not errors.ConfigurationError:
        yield kind
    for child in kind.__subclasses__():
        if child.__module__.startswith(errors.__name__):
            yield from all_kinds(child)


def _code_and_meaning(path: str, kind: type[errors.GovorError]) -> tuple[int, str, str]:
    """Return status, code and meaning of an error in the dialect of a path."""
    example = errors.GovorError("")
    example.status, example.code = kind.status, kind.code
    status, body, _ = in_dialect(path, example)
    code = str(body["code"]) if is_flat(path) else kind.code
    meaning = (kind.__doc__ or "").partition("\n")[0]
    return status, code, "The server failed; its log says more." if kind is errors.GovorError else meaning


def _answer(path: str, codes: dict[str, str]) -> dict[str, Any]:
    name = "FlatError" if is_flat(path) else "ErrorBody"
    return {
        "description": "\n\n".join(f"`{code}`: {meaning}" for code, meaning in codes.items()),
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
    }
