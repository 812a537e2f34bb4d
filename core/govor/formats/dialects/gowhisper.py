"""go-whisper's bodies: JSON with segments for every model, and events with names."""

from __future__ import annotations

from govor.contract.results import Segment, Transcript
from govor.errors import GovorError
from govor.formats.openai import dump_json, known_of, warnings
from govor.formats.timeline import TimedSegment, place_segments

PING = b"event: ping\n\n"


class Turns:
    """Finds changes of speaker; segments must be given in order."""

    def __init__(self) -> None:
        self._speaker: str | None = None

    def mark(self, segment: Segment) -> dict[str, object]:
        """Return the key `speaker_turn` for the first segment of a speaker who follows another one."""
        before, self._speaker = self._speaker, segment.speaker or self._speaker
        return {"speaker_turn": True} if before is not None and self._speaker != before else {}


def rich_body(transcript: Transcript, task: str) -> dict[str, object]:
    """Return the whole transcript. `task` is go-whisper's word: transcribe, translate or diarize.

    `language` is the code of the text's language; the key is absent if the model cannot tell.
    """
    turns = Turns()
    code = "en" if transcript.task == "translate" else transcript.language
    return {
        "task": task,
        **({"language": code} if code else {}),
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "segments": [
            _segment(number, placed, turns) for number, placed in enumerate(place_segments(transcript))
        ],
    }


class GoWhisperEvents:
    """Events: ping, task, then a segment each, and ok; or an error."""

    def __init__(self, task: str, language: str | None, duration: float | None, *, rich: bool = False):
        """`language` is the client's, `duration` the container's.

        With `rich`, segments have all known values, as verbose_json has them.
        """
        self._rich = rich
        self._task = task
        self._language = "en" if task == "translate" else language
        self._duration = duration
        self._turns = Turns()
        self._clock = 0.0
        self._number = 0

    def waiting(self, done: float, total: float | None) -> bytes:
        return PING

    def segment(self, segment: Segment) -> bytes:
        """A segment; a task event precedes the first one, because only now is the language known."""
        begun = self._begin(segment.language)
        start = self._clock if segment.start is None else segment.start
        self._clock = max(start, segment.end or start)
        body = _segment(self._number, TimedSegment(segment, start, self._clock), self._turns)
        if self._rich:
            body |= known_of(segment)
        self._number += 1
        return begun + _named("segment", body)

    def end(self, transcript: Transcript) -> bytes:
        found = warnings(transcript)  # go-whisper's own event has no data
        return self._begin(transcript.language) + (_named("ok", found) if found else b"event: ok\n\n")

    def error(self, error: GovorError) -> bytes:
        return _named("error", str(error))

    def _begin(self, spoken: str | None) -> bytes:
        if self._number:
            return b""
        language = self._language or spoken
        body: dict[str, object] = {"task": self._task}
        if language:
            body["language"] = language
        if self._duration is not None:
            body["duration"] = round(self._duration, 3)
        return PING + _named("task", body)


def _segment(number: int, placed: TimedSegment, turns: Turns) -> dict[str, object]:
    return {
        "id": number,
        "start": round(placed.start, 3),
        "end": round(placed.end, 3),
        "text": placed.segment.text.strip(),
        **turns.mark(placed.segment),
    }


def _named(name: str, body: dict[str, object] | str) -> bytes:
    return f"event: {name}\ndata: {dump_json(body)}\n\n".encode()
