"""What is wrong with the server, or with how it is set up, not with the request."""

from __future__ import annotations

from govor.errors.tree import GovorError


class ServerBusy(GovorError):
    """The server has as much to do as it takes; later there is room again."""

    status = 503
    code = "server_busy"


class QueueTimeout(GovorError):
    """The request waited longer for its turn than a request may."""

    status = 503
    code = "timeout"


class TranscriptionFailed(GovorError):
    """The model raised while it was working."""

    code = "transcription_error"


class DecodersUnavailable(GovorError):
    """No process can be started that decodes recordings."""

    status = 503
    code = "decoders_unavailable"


class DecoderLost(GovorError):
    """The process that decoded a recording ended or stopped, and the recording is not to blame."""

    status = 503
    code = "decoder_lost"


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
