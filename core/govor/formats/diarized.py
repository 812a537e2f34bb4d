"""Who says what: OpenAI's diarized_json and its events; who speaks when: JSON and RTTM."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from govor.formats.openai import seconds, usage
from govor.formats.timeline import Placed, place_segments
from govor.plain import without_controls
from govor.types import Transcript

SOMEBODY = "A"  # OpenAI's name of the first speaker


@dataclass(frozen=True, slots=True)
class NamedTurn:
    """Somebody speaks, from `start` to `end` in seconds."""

    start: float
    end: float
    speaker: str


def diarized_body(transcript: Transcript) -> dict[str, object]:
    """`response_format=diarized_json`."""
    return {
        "task": transcript.task,
        "duration": seconds(transcript.duration),
        "text": transcript.text,
        "segments": [
            diarized_segment(number, placed) for number, placed in enumerate(place_segments(transcript))
        ],
        "usage": usage(transcript),
    }


def diarized_segment(number: int, placed: Placed) -> dict[str, object]:
    """One segment, which is also the event of a stream."""
    return {
        "type": "transcript.text.segment",
        "id": f"seg_{number:03}",
        "start": seconds(placed.start),
        "end": seconds(placed.end),
        "text": placed.segment.text.strip(),
        "speaker": placed.segment.speaker or SOMEBODY,
    }


def turns_body(turns: Sequence[NamedTurn], duration: float) -> dict[str, object]:
    """Who speaks when, as Speaches writes it."""
    return {
        "duration": seconds(duration),
        "segments": [
            {"start": seconds(turn.start), "end": seconds(turn.end), "speaker": turn.speaker}
            for turn in turns
        ],
    }


def rttm(turns: Sequence[NamedTurn], recording: str) -> str:
    """Rich Transcription Time Marked: a line per turn; its fields have no spaces in them."""
    return "".join(
        f"SPEAKER {_field(recording)} 1 {turn.start:.3f} {turn.end - turn.start:.3f} "
        f"<NA> <NA> {_field(turn.speaker)} <NA> <NA>\n"
        for turn in turns
    )


def _field(text: str) -> str:
    return re.sub(r"\s+", "_", without_controls(text).strip()) or "<NA>"
