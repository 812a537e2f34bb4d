"""The server-sent events of an OpenAI transcription stream, as bytes.

Data-only lines: the SDK parses the data of every event as JSON, and skips comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from govor.errors import GovorError
from govor.formats.openai import detected, dump_json, error_body, render_tokens, token_logprobs
from govor.types import Token, Transcript

DONE = b"data: [DONE]\n\n"
"""Ends a stream that went well; never follows an error."""

KEEP_ALIVE = b": keep-alive\n\n"


def progress(done: float, total: float | None) -> bytes:
    """A comment that keeps the stream open and tells how many seconds of the recording are done."""
    return f": keep-alive\n: progress {done:.1f}{'' if total is None else f'/{total:.1f}'}\n\n".encode()


def delta(text: str, *, segment_id: str, logprobs: Iterable[Token] | None = None) -> bytes:
    """The text that one segment appends, as Joiner.add returns it."""
    body = {"type": "transcript.text.delta", "delta": text, "segment_id": segment_id}
    return _event(body if logprobs is None else {**body, "logprobs": render_tokens(logprobs)})


def done(transcript: Transcript, *, logprobs: bool) -> bytes:
    """The whole text. Without usage: the SDK knows only token counts here."""
    return _event(
        {
            "type": "transcript.text.done",
            "text": transcript.text,
            **detected(transcript),
            **(token_logprobs(transcript) if logprobs else {}),
        }
    )


def error(error: GovorError) -> bytes:
    """What went wrong after the first byte was sent; the last event of its stream."""
    return _event({"type": "error", "error": error_body(error)})


def numbered(number: int, event: bytes) -> bytes:
    """The same event with an id, from which a client that was cut off can go on."""
    return b"id: %d\n" % number + event


def _event(body: Mapping[str, object]) -> bytes:
    return f"data: {dump_json(body)}\n\n".encode()
