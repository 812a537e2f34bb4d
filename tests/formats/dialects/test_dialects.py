"""Bodies of other servers' dialects for transcripts with unknown values, and with speakers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from govor.contract.results import Segment, Transcript, Word
from govor.errors import AudioTooLong, GovorError, ServerBusy, ShuttingDown, TranscriptionFailed
from govor.formats.dialects import gigastt, gowhisper, whispercpp
from govor.formats.dialects.utterances import LONGEST, utterances


def transcript(*segments: Segment, language: str | None = None) -> Transcript:
    text = " ".join(segment.text for segment in segments)
    return Transcript(text, segments, 10.0, language, "transcribe", "model")


def data_of(event: bytes) -> Any:
    return json.loads(event.decode().partition("data: ")[2])


def test_a_change_of_speaker_is_a_turn_and_the_first_speaker_is_none() -> None:
    voices = ["A", "A", "B", None, "B", "A"]
    segments = [Segment("yes", number, number + 1, speaker=voice) for number, voice in enumerate(voices)]
    body: Any = gowhisper.rich_body(transcript(*segments), "diarize")
    expected = [False, False, True, False, False, True]
    assert [segment.get("speaker_turn", False) for segment in body["segments"]] == expected
    told = gowhisper.GoWhisperEvents("diarize", None, None)
    events = [data_of(told.segment(segment).rpartition(b"event: ")[2]) for segment in segments]
    assert [event.get("speaker_turn", False) for event in events] == expected


def test_unknown_values_have_no_key() -> None:
    body: Any = gowhisper.rich_body(transcript(Segment("yes", 0.0, 1.0)), "transcribe")
    assert "language" not in body
    told = gowhisper.GoWhisperEvents("transcribe", None, None).segment(Segment("yes"))
    assert told.startswith(b'event: ping\n\nevent: task\ndata: {"task":"transcribe"}\n\nevent: segment\n')
    verbose: Any = whispercpp.verbose_body(transcript(Segment("yes", 0.0, 1.0)), times=True)
    assert verbose["language"] == "unknown"
    assert set(verbose["segments"][0]) == {"id", "text", "start", "end", "tokens", "words"}


def test_a_segment_of_unknown_time_follows_the_one_before() -> None:
    told = gowhisper.GoWhisperEvents("transcribe", "en", 5.0)
    told.segment(Segment("one", 0.0, 2.0))
    event = data_of(told.segment(Segment("two")))
    assert (event["start"], event["end"]) == (2.0, 2.0)


def test_an_error_of_a_named_stream_is_a_string_as_its_client_reads_it() -> None:
    told = gowhisper.GoWhisperEvents("transcribe", None, None).error(TranscriptionFailed('It "broke".'))
    assert told == b'event: error\ndata: "It \\"broke\\"."\n\n'


@pytest.mark.parametrize(
    ("segments", "texts"),
    [
        ([("one", 0, 1), ("two", 1.5, 2)], ["one two"]),
        ([("one", 0, 1), ("two", 2.0, 3)], ["one", "two"]),
        ([("One.", 0, 1), ("Two", 1, 2), ("three", 2, 3)], ["One.", "Two three"]),
        ([("one", 0, LONGEST - 1), ("two", LONGEST - 1, LONGEST + 1)], ["one", "two"]),
        ([], []),
    ],
)
def test_an_utterance_ends_with_its_sentence_at_a_pause_or_when_it_is_long(
    segments: list[tuple[str, float, float]], texts: list[str]
) -> None:
    found = utterances(Segment(text, start, end) for text, start, end in segments)
    assert [" ".join(segment.text for segment in one.segments) for one in found] == texts


def test_another_speaker_begins_another_utterance() -> None:
    found = list(utterances([Segment("yes", 0, 1, speaker="A"), Segment("no", 1, 2, speaker="B")]))
    assert len(found) == 2


def test_partials_grow_until_their_final() -> None:
    told = gigastt.GigasttEvents(clock=lambda: 1712700000.1234)
    words = [Word("раз", 0.1, 0.4), Word("два", 0.5, 0.9), Word("три", 3.0, 3.4)]
    segments = [Segment(word.text, word.start, word.end, (word,)) for word in words]
    stream = b"".join(told.segment(segment) for segment in segments) + told.end(transcript(*segments))
    events = [json.loads(line[6:]) for line in stream.decode().splitlines() if line]
    assert [(event["type"], event["text"]) for event in events] == [
        ("partial", "раз"),
        ("partial", "раз два"),
        ("final", "раз два"),
        ("partial", "три"),
        ("final", "три"),
    ]
    assert events[2]["words"] == [
        {"word": "раз", "start": 0.1, "end": 0.4},
        {"word": "два", "start": 0.5, "end": 0.9},
    ]
    assert {event["timestamp"] for event in events} == {1712700000.123}


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (ServerBusy("Full.", retry_after=4), 503, {"code": "timeout", "retry_after_ms": 30_000}),
        (ShuttingDown("Stopping."), 503, {"code": "pool_closed"}),
        (AudioTooLong("Too long."), 422, {"code": "invalid_audio"}),
        (TranscriptionFailed("Broken."), 422, {"code": "transcription_error"}),
        (GovorError("Oh."), 500, {"code": "internal"}),
    ],
)
def test_errors_have_gigastts_codes_and_statuses(
    error: GovorError, status: int, body: dict[str, Any]
) -> None:
    told = gigastt.flat_error(error)
    assert told[:2] == (status, {"error": str(error), **body})


def test_markdown_has_hours_where_there_are_any() -> None:
    segments = [Segment("one", 0.0, 1.0), Segment("a|b", 3725.0, 3726.0, (Word("a|b", 3725.0, 3726.0),))]
    body, _ = gigastt.render(transcript(*segments), "md", segments=True, word_timestamps=False)
    assert "### [00:00]\n\none\n" in body
    assert "### [01:02:05]\n\na|b\n" in body
    table, _ = gigastt.render(transcript(*segments), "md", segments=False, word_timestamps=True)
    assert "| a\\|b | 3725.000s | 3726.000s |" in table
