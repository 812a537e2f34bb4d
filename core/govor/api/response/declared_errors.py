"""The errors that a route can raise, declared where the route is defined: `@can_fail(InvalidParam, *WORK)`.

The layers that a request passes before its route declare their own errors: `api.http.auth`,
`api.body.reading`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from govor import errors

Kinds = tuple[type[errors.GovorError], ...]
View = TypeVar("View", bound=Callable[..., Any])

FORM: Kinds = (
    errors.InvalidParam,
    errors.EmptyBody,
    errors.MissingFile,
    errors.UnsupportedMediaType,
)
"""Errors in a form with a recording."""

SOUND: Kinds = (
    errors.InvalidAudio,
    errors.AudioTooLong,
    errors.DecoderLost,
    errors.DecodersUnavailable,
)
"""A recording that cannot be decoded."""

QUEUE: Kinds = (errors.RateLimited, errors.ServerBusy, errors.QueueTimeout)
"""Work for which there is no room, or not in time."""

MEMORY: Kinds = (errors.LoadFailed, errors.InsufficientMemory, errors.ModelUnloaded)
"""A model that cannot be loaded, or kept in memory."""

DOWNLOAD: Kinds = (
    errors.DownloadFailed,
    errors.DownloadForbidden,
    errors.DownloadCancelled,
    errors.InsufficientStorage,
)
"""A model whose files cannot be fetched, be it for a recording (`auto_pull`)."""

MODEL: Kinds = (errors.ModelNotFound, errors.ModelNotInstalled)
"""A name for which there is no model."""

TRANSCRIPTION: Kinds = (
    *SOUND,
    *MODEL,
    *MEMORY,
    errors.TranscriptionFailed,
    errors.UnsupportedOperation,
)
"""Work of a model on a recording."""

WORK: Kinds = (*TRANSCRIPTION, *QUEUE)
"""The same, done while the client waits."""

URL: Kinds = (errors.UrlFailed, errors.UrlNotAllowed)
"""A URL that cannot be fetched, or called later."""

NEW_JOB: Kinds = (errors.JobsUnavailable, errors.InsufficientStorage)
"""A job that cannot be stored."""

JOB: Kinds = (errors.JobNotFound, errors.JobsUnavailable)
"""A job that cannot be found."""

ATTRIBUTE = "govor_errors"
"""Attribute of a view function that has its errors; wrappers made by `functools.wraps` have it too."""


def can_fail(*kinds: type[errors.GovorError]) -> Callable[[View], View]:
    """Declare the errors of a route, beside those that any route can answer with."""

    def declare(view: View) -> View:
        setattr(view, ATTRIBUTE, kinds)
        return view

    return declare


def declared_errors(view: Callable[..., Any]) -> Kinds:
    """Return the errors that a view function declares; empty: none."""
    kinds: Kinds = getattr(view, ATTRIBUTE, ())
    return kinds
