"""Texts by speaker in OpenAI's form and in subtitles; turns in JSON and RTTM."""

from __future__ import annotations

import json

import pytest

from govor.contract.recognizers import Options
from govor.contract.results import Segment, Transcript, Word
from govor.errors import InvalidParam
from govor.formats import events
from govor.formats.diarized import NamedTurn, rttm, smoothed, turns_body
from govor.formats.rendering.formats import render

TALK = (
    Segment(" Can I help? ", 0.5, 1.2345, speaker="agent"),
    Segment("Yes, by all means.", 1.5, 3.0, speaker="A"),
)


def rendered(transcript: Transcript, response_format: str) -> str:
    return render(transcript, response_format, words=False, segments=True, logprobs=False)[0]


def test_diarized_json_has_the_keys_of_openai_and_no_others(build) -> None:
    body = json.loads(rendered(build(*TALK, duration=3.2), "diarized_json"))
    assert body == {
        "task": "transcribe",
        "duration": 3.2,
        "text": " Can I help?  Yes, by all means.",
        "segments": [
            {
                "type": "transcript.text.segment",
                "id": "seg_000",
                "start": 0.5,
                "end": 1.234,
                "text": "Can I help?",
                "speaker": "agent",
            },
            {
                "type": "transcript.text.segment",
                "id": "seg_001",
                "start": 1.5,
                "end": 3.0,
                "text": "Yes, by all means.",
                "speaker": "A",
            },
        ],
        "usage": {"type": "duration", "seconds": 4},
    }


def test_a_translation_is_not_called_a_transcription(build) -> None:
    body = json.loads(rendered(build(*TALK, task="translate"), "diarized_json"))
    assert body["task"] == "translate"


def test_the_event_of_a_segment_is_the_segment_itself(build) -> None:
    body = json.loads(rendered(build(*TALK), "diarized_json"))
    told = events.DiarizedEvents(Options(), done=True)
    sent = [told.segment(segment).decode() for segment in TALK]
    assert [json.loads(event.partition("data: ")[2]) for event in sent] == body["segments"]


def test_subtitles_name_who_speaks(build) -> None:
    assert "\nagent: Can I help?\n" in rendered(build(*TALK), "srt")
    assert "\n<v agent>Can I help?\n" in rendered(build(*TALK), "vtt")


def test_every_cue_of_a_long_segment_names_its_speaker(build) -> None:
    words = tuple(Word(f"word{number}", number, number + 0.9) for number in range(30))
    text = " ".join(word.text for word in words)
    subtitles = rendered(build(Segment(text, 0.0, 30.0, words, speaker="B"), duration=30.0), "srt")
    cues = subtitles.strip().split("\n\n")
    assert len(cues) > 3
    assert all(cue.split("\n")[2].startswith("B: word") for cue in cues)


def test_a_name_cannot_break_out_of_its_cue(build) -> None:
    subtitles = rendered(build(Segment("Hello", 0.0, 1.0, speaker="x>\n\n00:00 --> <b>")), "vtt")
    assert "<v x&gt; 00:00 -&gt; &lt;b&gt;>Hello" in subtitles


@pytest.mark.parametrize(("speaker", "has"), [("A", True), (None, False)])
def test_verbose_json_names_speakers_only_if_they_are_known(build, speaker, has) -> None:
    segment = Segment("Hello", 0.0, 1.0, speaker=speaker)
    (body,) = json.loads(rendered(build(segment), "verbose_json"))["segments"]
    assert ("speaker" in body) is has


def test_turns_have_the_form_of_speaches() -> None:
    turns = [NamedTurn(0.12345, 1.0, "A"), NamedTurn(1.0, 1.5, "Ann"), NamedTurn(1.5, 2.0, "B", "Yes.")]
    body = turns_body(turns, ["Ann"], 2.0)
    assert (body["task"], body["duration"], body["num_speakers"]) == ("diarize", 2.0, 3)
    assert body["segments"] == [
        {"id": 0, "start": 0.123, "end": 1.0, "speaker": "SPEAKER_00", "label": "A"},
        {"id": 1, "start": 1.0, "end": 1.5, "speaker": "Ann", "label": "Ann"},
        {"id": 2, "start": 1.5, "end": 2.0, "speaker": "SPEAKER_01", "label": "B"},
    ]
    assert "speakers" not in body


def test_the_verbose_body_sums_up_each_speaker_and_says_what_they_say() -> None:
    turns = [NamedTurn(0.0, 1.0, "A", "Hello."), NamedTurn(1.0, 1.5, "B"), NamedTurn(2.0, 2.5, "A")]
    body = turns_body(turns, (), 3.0, verbose=True)
    assert [segment.get("text") for segment in body["segments"]] == ["Hello.", None, None]
    assert body["speakers"] == [
        {"id": "SPEAKER_00", "label": "A", "total_speech_duration": 1.5, "segment_count": 2},
        {"id": "SPEAKER_01", "label": "B", "total_speech_duration": 0.5, "segment_count": 1},
    ]


def test_short_pauses_and_short_turns_are_left_out() -> None:
    turns = [
        NamedTurn(0.0, 1.0, "A"),
        NamedTurn(1.1, 1.2, "B"),
        NamedTurn(1.3, 2.0, "A"),
        NamedTurn(3.0, 4.0, "A"),
    ]
    assert smoothed(turns, shortest=0.2, pause=0.5) == [NamedTurn(0.0, 2.0, "A"), NamedTurn(3.0, 4.0, "A")]
    assert smoothed(turns, shortest=0, pause=0) == turns


def test_rttm_has_ten_fields_without_spaces_inside() -> None:
    line = rttm([NamedTurn(0.5, 1.75, "Ann Lee")], {"Ann Lee": "Ann Lee"}, "my call")
    assert line == "SPEAKER my_call 1 0.500 1.250 <NA> <NA> Ann_Lee <NA> <NA>\n"
    assert len(line.split()) == 10


def test_a_transcript_without_speakers_cannot_name_them(build) -> None:
    with pytest.raises(InvalidParam, match="speakers"):
        rendered(build(Segment("Hello", 0.0, 1.0)), "diarized_json")
