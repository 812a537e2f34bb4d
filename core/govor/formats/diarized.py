"""Texts by speaker: OpenAI's diarized_json and its events. Turns without text: JSON and RTTM."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from govor.contract.results import Transcript
from govor.formats.openai import seconds, usage, warnings
from govor.formats.timeline import TimedSegment, place_segments
from govor.plain import without_controls

FIRST_SPEAKER = "A"  # OpenAI's name of the first speaker


@dataclass(frozen=True, slots=True)
class NamedTurn:
    """One speaker speaks from `start` to `end` in seconds."""

    start: float
    end: float
    speaker: str
    text: str = ""
    """Text of the turn, if requested."""


def diarized_body(transcript: Transcript) -> dict[str, object]:
    """Return the body of `response_format=diarized_json`."""
    return {
        "task": transcript.task,
        "duration": seconds(transcript.duration),
        "text": transcript.text,
        "segments": [
            diarized_segment(number, placed) for number, placed in enumerate(place_segments(transcript))
        ],
        "usage": usage(transcript),
        **warnings(transcript),
    }


def diarized_segment(number: int, placed: TimedSegment) -> dict[str, object]:
    """Return one segment, which is also the event of a stream."""
    return {
        "type": "transcript.text.segment",
        "id": f"seg_{number:03}",
        "start": seconds(placed.start),
        "end": seconds(placed.end),
        "text": placed.segment.text.strip(),
        "speaker": placed.segment.speaker or FIRST_SPEAKER,
    }


def turns_body(
    turns: Sequence[NamedTurn], known: Container[str], duration: float, *, verbose: bool = False
) -> dict[str, object]:
    """Return the turns as both Speaches and LocalAI write them, with the keys of both.

    A speaker has a name of `numbered`; `label` is the name in diarized_json.
    """
    names = numbered(turns, known)
    body: dict[str, object] = {
        "task": "diarize",
        "duration": seconds(duration),
        "num_speakers": len(names),
        "segments": [
            {
                "id": number,
                "start": seconds(turn.start),
                "end": seconds(turn.end),
                "speaker": names[turn.speaker],
                "label": turn.speaker,
                **({"text": turn.text} if verbose and turn.text else {}),
            }
            for number, turn in enumerate(turns)
        ],
    }
    if verbose:
        body["speakers"] = [_summary(name, label, turns) for label, name in names.items()]
    return body


def numbered(turns: Sequence[NamedTurn], known: Container[str]) -> dict[str, str]:
    """Return pyannote's name for each speaker: SPEAKER_00 and so on, in order of appearance.

    Speakers who are `known` keep their names.
    """
    labels = dict.fromkeys(turn.speaker for turn in turns)
    numbers = count()
    return {label: label if label in known else f"SPEAKER_{next(numbers):02}" for label in labels}


def _summary(name: str, label: str, turns: Sequence[NamedTurn]) -> dict[str, object]:
    own = [turn.end - turn.start for turn in turns if turn.speaker == label]
    return {
        "id": name,
        "label": label,
        "total_speech_duration": seconds(sum(own)),
        "segment_count": len(own),
    }


def smoothed(turns: Sequence[NamedTurn], *, shortest: float, pause: float) -> list[NamedTurn]:
    """Join one speaker's turns across pauses below `pause` seconds; then drop turns below `shortest`."""
    joined: list[NamedTurn] = []
    for turn in turns:
        last = next((at for at in range(len(joined) - 1, -1, -1) if joined[at].speaker == turn.speaker), None)
        if last is not None and turn.start - joined[last].end < pause:
            text = f"{joined[last].text} {turn.text}".strip()
            joined[last] = replace(joined[last], end=max(joined[last].end, turn.end), text=text)
        else:
            joined.append(turn)
    return [turn for turn in joined if turn.end - turn.start >= shortest]


def rttm(turns: Sequence[NamedTurn], names: Mapping[str, str], recording: str) -> str:
    """Return Rich Transcription Time Marked (NIST): a line per turn; fields contain no spaces."""
    return "".join(
        f"SPEAKER {_field(recording)} 1 {turn.start:.3f} {turn.end - turn.start:.3f} "
        f"<NA> <NA> {_field(names[turn.speaker])} <NA> <NA>\n"
        for turn in turns
    )


def _field(text: str) -> str:
    return re.sub(r"\s+", "_", without_controls(text).strip()) or "<NA>"
