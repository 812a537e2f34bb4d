"""The server-sent events of an OpenAI transcription stream, as bytes, and what every dialect's must be.

Each event has its type as name too: there are clients that read only events with a name. An error has none,
because older SDKs look for it in the data of unnamed events alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from govor.contract.recognition import Options, Segment, Token, Transcript
from govor.errors import GovorError
from govor.formats.diarized import diarized_segment
from govor.formats.openai import detected, dump_json, error_body, render_tokens, token_logprobs, warnings
from govor.formats.text import Joiner
from govor.formats.timeline import Placed

DONE = b"data: [DONE]\n\n"
"""Ends a stream that went well; never follows an error."""


KEEP_ALIVE = b": keep-alive\n"
"""A comment. No empty line follows: several SDKs end an event there, and cannot read one without data."""


def progress(done: float, total: float | None) -> bytes:
    """Comments that keep the stream open and tell how many seconds of the recording are done."""
    told = f": progress {done:.1f}{'' if total is None else f'/{total:.1f}'}\n"
    return KEEP_ALIVE + told.encode()


class Events(Protocol):
    """The events of one transcription in one dialect. Called in the order of the stream."""

    def waiting(self, done: float, total: float | None) -> bytes:
        """Sent while there is nothing to say: so many seconds of the recording are done, of so many."""
        ...

    def segment(self, segment: Segment) -> bytes:
        """One more segment is final."""
        ...

    def end(self, transcript: Transcript) -> bytes:
        """All went well."""
        ...

    def error(self, error: GovorError) -> bytes:
        """What went wrong after the first byte was sent; the last event of its stream."""
        ...


class OpenAIEvents:
    """OpenAI's: a delta for each segment, then the whole text."""

    def __init__(self, options: Options, *, done: bool):
        """`done` asks for [DONE] at the end."""
        self._joiner = Joiner(options.language, task=options.task)
        self._logprobs = options.logprobs
        self._done = DONE if done else b""

    def waiting(self, done: float, total: float | None) -> bytes:
        return progress(done, total)

    def segment(self, segment: Segment) -> bytes:
        return delta(self._joiner.add(segment), segment.tokens if self._logprobs else None)

    def end(self, transcript: Transcript) -> bytes:
        return done(transcript, logprobs=self._logprobs) + self._done

    def error(self, error: GovorError) -> bytes:
        return failure(error)


class DiarizedEvents(OpenAIEvents):
    """OpenAI's for `diarized_json`: whole segments with their speakers, then the whole text."""

    def __init__(self, options: Options, *, done: bool):
        super().__init__(options, done=done)
        self._number = 0

    def segment(self, segment: Segment) -> bytes:
        start = segment.start or 0.0
        number, self._number = self._number, self._number + 1
        return _typed(diarized_segment(number, Placed(segment, start, segment.end or start)))


def delta(text: str, logprobs: Iterable[Token] | None = None) -> bytes:
    """The text that one segment appends, as Joiner.add returns it.

    Without the key `segment_id`, which OpenAI sends only where speakers are told apart.
    """
    body = {"type": "transcript.text.delta", "delta": text}
    return _typed(body if logprobs is None else {**body, "logprobs": render_tokens(logprobs)})


def done(transcript: Transcript, *, logprobs: bool) -> bytes:
    """The whole text. Without usage: the SDK knows only token counts here."""
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
    """What went wrong after the first byte was sent; the last event of its stream."""
    return data_event({"type": "error", "error": error_body(error)})


def numbered(number: int, event: bytes) -> bytes:
    """The same event with an id, from which a client that was cut off can go on."""
    return b"id: %d\n" % number + event


def _typed(body: Mapping[str, object]) -> bytes:
    """An event whose name is the type that stands in its data."""
    return f"event: {body['type']}\n".encode() + data_event(body)


def data_event(body: Mapping[str, object]) -> bytes:
    """An event without a name, whose data is JSON."""
    return f"data: {dump_json(body)}\n\n".encode()
