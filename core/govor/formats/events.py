"""The server-sent events of OpenAI's transcription stream, and the interface of all dialects' events.

Each event has its type as name too, because some clients read only named events. An error has none,
because older SDKs look for it in the data of unnamed events only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from govor.contract.recognizers import Options
from govor.contract.results import Segment, Token, Transcript
from govor.errors import GovorError
from govor.formats.diarized import diarized_segment
from govor.formats.openai import (
    detected,
    dump_json,
    error_body,
    render_tokens,
    reported_tokens,
    token_logprobs,
    warnings,
)
from govor.formats.text import Joiner
from govor.formats.timeline import TimedSegment

DONE = b"data: [DONE]\n\n"
"""Ends a successful stream; never follows an error."""


KEEP_ALIVE = b": keep-alive\n"
"""A comment. No empty line follows: several SDKs end an event there, and cannot read one without data."""


def progress(done: float, total: float | None) -> bytes:
    """Return comments that keep the stream open and state the seconds of the recording that are done."""
    comment = f": progress {done:.1f}{'' if total is None else f'/{total:.1f}'}\n"
    return KEEP_ALIVE + comment.encode()


class Events(Protocol):
    """The events of one transcription in one dialect. Called in the order of the stream."""

    def waiting(self, done: float, total: float | None) -> bytes:
        """Sent if no segment is final for a while: `done` seconds of the recording, of `total` if known."""
        ...

    def segment(self, segment: Segment) -> bytes:
        """Sent once one more segment is final."""
        ...

    def end(self, transcript: Transcript) -> bytes:
        """Sent at the end of a successful transcription."""
        ...

    def error(self, error: GovorError) -> bytes:
        """An error after the first byte was sent; the last event of its stream."""
        ...


class OpenAIEvents:
    """OpenAI's events: a delta for each segment, then the whole text."""

    def __init__(self, options: Options, *, done: bool):
        """`done` adds [DONE] at the end."""
        self._joiner = Joiner(options.language, task=options.task)
        self._logprobs = options.logprobs
        self._done = DONE if done else b""

    def waiting(self, done: float, total: float | None) -> bytes:
        return progress(done, total)

    def segment(self, segment: Segment) -> bytes:
        return delta(self._joiner.add(segment), reported_tokens(segment) if self._logprobs else None)

    def end(self, transcript: Transcript) -> bytes:
        return done(transcript, logprobs=self._logprobs) + self._done

    def error(self, error: GovorError) -> bytes:
        return failure(error)


class DiarizedEvents(OpenAIEvents):
    """OpenAI's events for `diarized_json`: whole segments with their speakers, then the whole text."""

    def __init__(self, options: Options, *, done: bool):
        super().__init__(options, done=done)
        self._number = 0

    def segment(self, segment: Segment) -> bytes:
        start = segment.start or 0.0
        number, self._number = self._number, self._number + 1
        return _typed(diarized_segment(number, TimedSegment(segment, start, segment.end or start)))


def delta(text: str, logprobs: Iterable[Token] | None = None) -> bytes:
    """Return the event with the text that one segment appends, as Joiner.add returns it.

    Has no key `segment_id`, which OpenAI sends only for transcripts with speakers.
    """
    body = {"type": "transcript.text.delta", "delta": text}
    return _typed(body if logprobs is None else {**body, "logprobs": render_tokens(logprobs)})


def done(transcript: Transcript, *, logprobs: bool) -> bytes:
    """Return the event with the whole text. It has no usage: here the SDK knows token counts only."""
    return _typed(
        {
            "type": "transcript.text.done",
            "text": transcript.text,
            **detected(transcript),
            **(token_logprobs(transcript) if logprobs else {}),
            **warnings(transcript),
        }
    )


def failure(error: GovorError) -> bytes:
    """Return the event for an error after the first byte was sent; the last event of its stream."""
    return data_event({"type": "error", "error": error_body(error)})


def numbered(number: int, event: bytes) -> bytes:
    """Return the event with an id, from which a client can resume after a lost connection."""
    return b"id: %d\n" % number + event


def _typed(body: Mapping[str, object]) -> bytes:
    """Return an event whose name is the type in its data."""
    return f"event: {body['type']}\n".encode() + data_event(body)


def data_event(body: Mapping[str, object]) -> bytes:
    """Return an event without a name, whose data is JSON."""
    return f"data: {dump_json(body)}\n\n".encode()
