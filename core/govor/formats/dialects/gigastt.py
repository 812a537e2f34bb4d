"""gigastt's bodies: words always, utterances on request, errors as flat objects, events without names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from govor.contract.results import Segment, Transcript
from govor.errors import GovorError
from govor.formats.dialects.utterances import Utterance, utterances
from govor.formats.events import data_event, progress
from govor.formats.openai import dump_json
from govor.formats.subtitles.files import STANDARD, srt, vtt
from govor.formats.subtitles.layout import Layout
from govor.formats.text import join_texts
from govor.formats.timeline import TimedWord, timed_words
from govor.plain import without_controls

EXPORT_TYPES = {
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}
"""Media type of each `format`."""

CODES = {
    "audio_too_long": "invalid_audio",
    "internal_error": "internal",
    "server_busy": "timeout",
    "shutting_down": "pool_closed",
}
"""Error codes that have another name in gigastt."""

STATUSES = {"invalid_audio": 422, "transcription_error": 422}
"""Statuses that differ in gigastt, by Govor's error code."""

BUSY_SECONDS = 30


def flat_error(error: GovorError) -> tuple[int, dict[str, object], float | None]:
    """Return status, body and seconds until a retry: always 30 s if all workers are busy."""
    code = CODES.get(error.code, error.code)
    retry_after = BUSY_SECONDS if code == "timeout" else error.retry_after
    body: dict[str, object] = {"error": str(error), "code": code}
    if retry_after is not None:
        body["retry_after_ms"] = round(retry_after * 1000)
    return STATUSES.get(code, error.status), body, retry_after


def render(
    transcript: Transcript,
    format_name: str,
    *,
    segments: bool,
    word_timestamps: bool,
    layout: Layout = STANDARD,
) -> tuple[str, str]:
    """Return body and media type.

    `segments` matters to json and md, `word_timestamps` to md, `layout` to srt and vtt.
    """
    match format_name:
        case "txt":
            body = transcript.text
        case "srt":
            body = srt(transcript, layout)
        case "vtt":
            body = vtt(transcript, layout)
        case "md":
            body = _markdown(transcript, sections=segments, words=word_timestamps)
        case _:
            body = dump_json(json_body(transcript, segments=segments))
    return body, EXPORT_TYPES[format_name]


def json_body(transcript: Transcript, *, segments: bool) -> dict[str, object]:
    """Return the default body. `words` is empty if the model has no word times."""
    body: dict[str, object] = {
        "text": transcript.text,
        "words": [_word(word) for word in _words(transcript.segments)],
        "duration": round(transcript.duration, 3),
    }
    if segments:
        body["segments"] = [_utterance(one) for one in utterances(transcript.segments)]
    return body


class GigasttEvents:
    """A partial event with every segment (the utterance so far), and a final one after each utterance."""

    def __init__(self, clock: Callable[[], float] = time.time):
        self._clock = clock
        self._open: Utterance | None = None

    def waiting(self, done: float, total: float | None) -> bytes:
        return progress(done, total)

    def segment(self, segment: Segment) -> bytes:
        before = b""
        if self._open is not None and self._open.ends_before(segment):
            before, self._open = self._final(self._open), None
        self._open = self._open or Utterance([])
        self._open.segments.append(segment)
        return before + self._event("partial", self._open.segments)

    def end(self, transcript: Transcript) -> bytes:
        """The last final event; for a silent recording the only one, with an empty text."""
        return self._final(self._open or Utterance([]))

    def error(self, error: GovorError) -> bytes:
        code = CODES.get(error.code, error.code)
        name = "inference_error" if code == "transcription_error" else code
        return data_event({"type": "error", "message": str(error), "code": name})

    def _final(self, utterance: Utterance) -> bytes:
        return self._event("final", utterance.segments)

    def _event(self, kind: str, segments: Sequence[Segment]) -> bytes:
        body = {
            "type": kind,
            "text": _text(segments),
            "timestamp": round(self._clock(), 3),
            "words": [_word(word) for word in _words(segments)],
        }
        return data_event(body)


def _words(segments: Iterable[Segment]) -> Iterator[tuple[TimedWord, str | None]]:
    return ((word, segment.speaker) for segment in segments for word in timed_words(segment.words))


def _word(spoken: tuple[TimedWord, str | None]) -> dict[str, object]:
    word, speaker = spoken
    body: dict[str, object] = {
        "word": word.text.strip(),
        "start": round(word.start, 3),
        "end": round(word.end, 3),
    }
    if word.probability is not None:
        body["confidence"] = round(word.probability, 3)
    if speaker is not None:
        body["speaker"] = speaker
    return body


def _utterance(utterance: Utterance) -> dict[str, object]:
    return {
        "start": round(utterance.start, 3),
        "end": round(utterance.end, 3),
        "text": _text(utterance.segments),
        "words": [_word(word) for word in _words(utterance.segments)],
    }


def _text(segments: Sequence[Segment]) -> str:
    return join_texts(segments, None)


def _markdown(transcript: Transcript, *, sections: bool, words: bool) -> str:
    speakers = {segment.speaker for segment in transcript.segments if segment.speaker is not None}
    head = [
        "---",
        f"duration: {round(transcript.duration, 3)}",
        f"language: {transcript.language or 'unknown'}",
        f"speakers: {len(speakers)}",
        "---",
        "",
    ]
    if sections:
        for one in utterances(transcript.segments):
            head += [f"### [{_clock(one.start)}]", "", _text(one.segments), ""]
    else:
        head += ["# Transcript", "", transcript.text, ""]
    if words and not sections:
        head += ["# Word timings", "", "| Word | Start | End |", "|------|-------|-----|"]
        for word, _ in _words(transcript.segments):
            written = word.text.strip().replace("|", "\\|")
            head.append(f"| {written} | {word.start:.3f}s | {word.end:.3f}s |")
        head.append("")
    return without_controls("\n".join(head))


def _clock(seconds: float) -> str:
    """Return mm:ss, or hh:mm:ss from an hour on."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
