"""One tree of errors. Each class states its HTTP status, OpenAI `type` and `code`.

Raised where the fact is known; turned once into a response, in api, and once into an exit code, in cli.
"""

from __future__ import annotations


class GovorError(Exception):
    """Something a person must be told. `str(error)` is the message; `param` names the request field."""

    status = 500
    type = "server_error"
    code = "internal_error"

    def __init__(self, message: str, *, param: str | None = None, retry_after: float | None = None):
        super().__init__(message)
        self.param, self.retry_after = param, retry_after  # seconds until a retry is sensible; None: unknown


class RequestError(GovorError):
    """The request is wrong and stays wrong when repeated."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_param"


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


class ModelNotFound(RequestError):
    """No model answers to this name."""

    status = 404
    code = "model_not_found"

    def __init__(self, name: str, known: list[str], fault: str = "does not exist"):
        message = f"The model '{name}' {fault}. Available: {', '.join(known) or 'none'}."
        super().__init__(message, param="model")


class ModelNotInstalled(RequestError):
    """The model is known, but its files are not here."""

    status = 404
    code = "model_not_found"

    def __init__(self, name: str):
        how = f'`govor pull {name}` or with POST /v1/models and the body {{"model": "{name}"}}'
        message = f"The model '{name}' is known but not installed. Fetch it with {how}."
        super().__init__(message, param="model")


class DownloadForbidden(RequestError):
    """The operator does not let models be fetched, or not this one."""

    status = 403
    code = "download_forbidden"


class ModelProtected(RequestError):
    """The model's files are not the server's to delete."""

    status = 409
    code = "model_protected"


class DownloadCancelled(RequestError):
    """Somebody called the download off."""

    status = 409
    code = "download_cancelled"


class MetricsDisabled(RequestError):
    """The server keeps no metrics, or does not show them here."""

    status = 404
    code = "metrics_disabled"


class PayloadTooLarge(RequestError):
    """The upload exceeds the cap."""

    status = 413
    code = "payload_too_large"


class UnsupportedMediaType(RequestError):
    """The body is not of the kind this route takes."""

    status = 415
    code = "unsupported_media_type"


class RateLimited(RequestError):
    """One client asks for more at once than it may."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limited"


class ServerBusy(GovorError):
    """The server has as much to do as it takes; later there is room again."""

    status = 503
    code = "server_busy"


class QueueTimeout(GovorError):
    """The request waited longer for its turn than a request may."""

    status = 503
    code = "timeout"


class ModelBusy(RequestError):
    """The model is at work and cannot be taken away now."""

    status = 409
    code = "model_busy"


class AlreadyLoaded(RequestError):
    """What is to be loaded is in memory."""

    status = 409
    code = "already_loaded"


class ModelUnloaded(GovorError):
    """An administrator unloaded the model while it was at work on this."""

    status = 503
    code = "model_unloaded"


class InsufficientMemory(GovorError):
    """The model does not fit into what the operator allows models to take."""

    status = 503
    code = "insufficient_memory"


class UrlFailed(RequestError):
    """What an address in the request leads to cannot be had."""

    code = "url_failed"


class UrlNotAllowed(RequestError):
    """The operator does not let this server call that address."""

    status = 403
    code = "url_not_allowed"


class JobNotFound(RequestError):
    """There is no such job, or it is another client's."""

    status = 404
    code = "job_not_found"

    def __init__(self, job: str):
        super().__init__(f"There is no job '{job[:80]}'.")


class JobNotFinished(RequestError):
    """The job has no result yet."""

    status = 409
    code = "job_not_finished"


class JobCancelled(RequestError):
    """The job was cancelled; it will never have a result."""

    status = 410
    code = "job_cancelled"


class JobsUnavailable(GovorError):
    """Jobs cannot be kept here now."""

    status = 503
    code = "jobs_unavailable"


class LoadFailed(GovorError):
    """A model cannot be loaded here: a file is damaged, the device is missing, a library is absent."""

    status = 503
    code = "backend_unavailable"


class TranscriptionFailed(GovorError):
    """The model raised while it was working."""

    code = "transcription_error"


class DownloadFailed(GovorError):
    """A file of a model could not be fetched or is not what it should be."""

    status = 502
    code = "download_failed"


class InsufficientStorage(GovorError):
    """The disk, or the part of it that may be used, has no room."""

    status = 507
    code = "insufficient_storage"


class ShuttingDown(GovorError):
    """The server is stopping."""

    status = 503
    code = "shutting_down"


class ConfigurationError(GovorError):
    """plugins.toml, the environment or the command line is wrong. The server does not start."""

    code = "configuration_error"
