"""Errors of the server or its configuration, not of the request."""

from __future__ import annotations

from govor.errors.tree import GovorError


class ServerBusy(GovorError):
    """The server has reached a limit of its load; retry later."""

    status = 503
    code = "server_busy"


class QueueTimeout(GovorError):
    """The request waited longer for its turn than a request may."""

    status = 503
    code = "timeout"


class TranscriptionFailed(GovorError):
    """The model raised an error while it transcribed."""

    code = "transcription_error"


class FormatFailed(GovorError):
    """A plugin could not write the transcript in its format. The transcript itself is whole."""

    code = "format_failed"


class DecodersUnavailable(GovorError):
    """The server cannot start a decoder process."""

    status = 503
    code = "decoders_unavailable"


class DecoderLost(GovorError):
    """The decoder process ended or hung, and the recording is not the cause."""

    status = 503
    code = "decoder_lost"


class InsufficientStorage(GovorError):
    """The disk, or the share of it that Govor may use, is full."""

    status = 507
    code = "insufficient_storage"


class ShuttingDown(GovorError):
    """The server is stopping."""

    status = 503
    code = "shutting_down"


class ConfigurationError(GovorError):
    """plugins.toml, the environment or the command line is wrong. The server does not start."""

    code = "configuration_error"
