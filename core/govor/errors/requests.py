"""Errors of a request: its fields, its recording, its key."""

from __future__ import annotations

from govor.errors.tree import RequestError


class InvalidParam(RequestError):
    """A field has a value that is not allowed."""


class MissingFile(RequestError):
    """The form has no file part."""

    code = "missing_file"


class EmptyBody(RequestError):
    """The request has no body."""

    code = "empty_body"


class InvalidAudio(RequestError):
    """The upload cannot be decoded as audio."""

    code = "invalid_audio"


class AudioTooLong(RequestError):
    """The recording is longer than this server accepts."""

    code = "audio_too_long"


class UnsupportedOperation(RequestError):
    """The model, or this installation, cannot do what the request asks for."""

    code = "unsupported_operation"


class Unauthorized(RequestError):
    """The key is missing or wrong."""

    status = 401
    code = "invalid_api_key"


class AdminRequired(RequestError):
    """The key opens the API, but not its management."""

    status = 403
    code = "admin_required"


class OriginDenied(RequestError):
    """The request comes from a page of an origin that is not allowed."""

    status = 403
    code = "origin_denied"


class HostDenied(RequestError):
    """The request's Host is not a name of this server, so it may be DNS rebinding."""

    status = 403
    code = "host_denied"


class MetricsDisabled(RequestError):
    """The server keeps no metrics, or does not show them at this address."""

    status = 404
    code = "metrics_disabled"


class PayloadTooLarge(RequestError):
    """The upload exceeds the cap."""

    status = 413
    code = "payload_too_large"


class UploadStalled(RequestError):
    """The client stopped sending in the middle of the request, or sends too slowly."""

    status = 408
    code = "request_timeout"


class UnsupportedMediaType(RequestError):
    """The route does not accept a body of this type."""

    status = 415
    code = "unsupported_media_type"


class RateLimited(RequestError):
    """The client exceeds its limit of requests or transcriptions."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limited"
