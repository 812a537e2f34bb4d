"""What can be wrong with a request: its fields, its recording, its key."""

from __future__ import annotations

from govor.errors.tree import RequestError


class InvalidParam(RequestError):
    """A field has a value that is not allowed."""


class MissingFile(RequestError):
    """The form has no file part."""

    code = "missing_file"


class EmptyBody(RequestError):
    """There is nothing in the request."""

    code = "empty_body"


class InvalidAudio(RequestError):
    """The upload is not something that can be decoded to sound."""

    code = "invalid_audio"


class AudioTooLong(RequestError):
    """The recording is longer than this server takes."""

    code = "audio_too_long"


class UnsupportedOperation(RequestError):
    """The model, or this installation, cannot do what is asked."""

    code = "unsupported_operation"


class Unauthorized(RequestError):
    """No key, or a wrong one."""

    status = 401
    code = "invalid_api_key"


class AdminRequired(RequestError):
    """The key opens the API, but not its management."""

    status = 403
    code = "admin_required"


class OriginDenied(RequestError):
    """A page of another origin would have a browser do this."""

    status = 403
    code = "origin_denied"


class HostDenied(RequestError):
    """The server is asked by a name that may be a stranger's."""

    status = 403
    code = "host_denied"


class MetricsDisabled(RequestError):
    """The server keeps no metrics, or does not show them here."""

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
    """The body is not of the kind this route takes."""

    status = 415
    code = "unsupported_media_type"


class RateLimited(RequestError):
    """One client asks for more at once than it may."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limited"
