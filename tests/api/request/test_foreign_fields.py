"""Fields of other servers: done where they mean something here, named where they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from govor.api.request.fields import Fields, parse_fields
from govor.audio.chunking import NO_DETECTION
from govor.audio.regions import SpeechRules
from govor.contract.results import Task
from support.sound import media


def read(*pairs: tuple[str, str]) -> Fields:
    return parse_fields(MultiDict(pairs))


@pytest.mark.parametrize("name", ["vad", "vad_filter"])
def test_voice_detection_is_turned_off_in_either_way(name: str) -> None:
    assert read((name, "false")).rules() == NO_DETECTION
    assert read((name, "true")).rules() is None


def test_without_the_filter_silence_reaches_the_model(server: Any) -> None:
    answer = server.post(media.silence(3), model="echo", vad_filter="false")
    assert answer.json()["text"] == "3.0 seconds."
    assert answer.headers["x-govor-ignored"] == "vad_filter=vad"


def test_a_translation_may_be_asked_for_where_transcriptions_are(server: Any, samples: Path) -> None:
    for field in ({"task": "translate"}, {"translate": "true"}):
        body = server.post(samples / "ru_short.wav", response_format="verbose_json", **field).json()
        assert (body["task"], body["language"]) == ("translate", "english")
        assert body["text"].isascii()
    refused = server.post(media.silence(1), model="echo", task="translate")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unsupported_operation")


def test_a_header_says_as_what_a_field_is_done(server: Any) -> None:
    fields = {"task": "transcribe", "initial_prompt": "x", "vad_threshold": "0.4"}
    answer = server.post(media.silence(1), model="echo", **fields)
    told = "prompt, initial_prompt=prompt, task=transcriptions, vad_threshold=chunking_strategy"
    assert answer.headers["x-govor-ignored"] == told


@pytest.mark.parametrize(
    ("fields", "task", "done", "left"),
    [
        ({"task": "translate"}, "translate", ("task=translations",), ()),
        ({"task": "transcribe"}, "transcribe", ("task=transcriptions",), ()),
        ({"translate": "false"}, "transcribe", ("translate=transcriptions",), ()),
        ({"task": "transcribe"}, "translate", (), ("task",)),
        ({"translate": "false", "beam_size": "5"}, "translate", (), ("beam_size", "translate")),
        ({"task": "translate"}, "transcribe", (), ("task",)),
        (
            {"task": "transcribe", "translate": "1", "vad_filter": "1"},
            "translate",
            ("translate=translations", "vad_filter=vad"),
            ("task",),
        ),
    ],
)
def test_a_task_is_done_where_the_answer_is_what_it_asks_for(
    fields: dict[str, str], task: Task, done: tuple[str, ...], left: tuple[str, ...]
) -> None:
    answered = read(*fields.items()).foreign.answered(task)
    assert (answered.done, answered.left) == (done, left)


@pytest.mark.parametrize("field", [{"task": "transcribe"}, {"translate": "false"}])
def test_a_translation_does_not_say_that_it_is_a_transcription(
    server: Any, samples: Path, field: dict[str, str]
) -> None:
    with server.client() as client, (samples / "ru_short.wav").open("rb") as file:
        answer = client.post("/v1/audio/translations", files={"file": file}, data=field)
    assert answer.headers["x-govor-ignored"] == next(iter(field))


def test_words_may_be_asked_for_by_a_field_of_their_own(server: Any, samples: Path) -> None:
    fields = {"response_format": "verbose_json", "word_timestamps": "true"}
    body = server.post(samples / "ru_short.wav", **fields).json()
    assert body["words"]
    assert body["segments"]


def test_words_asked_for_in_that_way_put_no_times_into_a_text(server: Any) -> None:
    for value in ("true", "false"):
        fields = {"response_format": "txt", "word_timestamps": value, "vad": "false"}
        assert server.post(media.silence(1), model="echo", **fields).text == "1.0 seconds.\n"


@pytest.mark.parametrize(("value", "named"), [("true", True), ("false", False)])
def test_a_field_that_asks_for_no_words_sets_nothing(value: str, named: bool) -> None:
    fields = read(("word_timestamps", value), ("response_format", "verbose_json"))
    assert (fields.timestamp_granularities, fields.wants_words, fields.names_words) == ([], named, named)
    assert fields.foreign.done == ("word_timestamps=timestamp_granularities",)


def test_which_times_are_asked_for_govors_own_field_decides() -> None:
    fields = read(("word_timestamps", "true"), ("timestamp_granularities[]", "segment"))
    assert (fields.names_words, fields.foreign.left) == (False, ("word_timestamps",))


def test_a_job_remembers_that_words_were_asked_for(server: Any, samples: Path) -> None:
    asked = {"background": "true", "response_format": "verbose_json", "word_timestamps": "true"}
    job = server.post(samples / "ru_short.wav", **asked).json()["id"]
    with server.client() as client:
        client.get(f"/v1/jobs/{job}/events").raise_for_status()  # ends when the job does
        body = client.get(f"/v1/jobs/{job}/result").json()
        text = client.get(f"/v1/jobs/{job}/result?response_format=txt").text
    assert body["words"]
    assert body["segments"]
    assert not text.startswith("[")


@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        ({"vad_threshold": "0.3"}, SpeechRules(threshold=0.3)),
        ({"threshold": "0.3", "neg_threshold": "0.2"}, SpeechRules(threshold=0.3, release=0.2)),
        (
            {"min_silence_duration_ms": "500", "speech_pad_ms": "10", "min_speech_duration_ms": "250"},
            SpeechRules(silence=0.5, padding=0.01, minimum=0.25),
        ),
        ({"vad_min_silence_duration_ms": "0"}, SpeechRules(silence=0.0)),
    ],
)
def test_the_numbers_of_speech_are_those_of_faster_whisper(
    fields: dict[str, str], rules: SpeechRules
) -> None:
    assert read(*fields.items()).rules() == rules


def test_what_a_client_says_in_both_ways_ours_decides() -> None:
    fields = read(
        ("vad", "true"), ("vad_filter", "false"), ("prompt", "a"), ("initial_prompt", "b"),
        ("chunking_strategy", "auto"), ("vad_threshold", "0.1"),
    )  # fmt: skip
    assert (fields.vad, fields.prompt, fields.rules()) == (True, "a", None)
    assert fields.foreign.left == ("initial_prompt", "vad_filter", "vad_threshold")


def test_the_language_may_be_asked_for_again() -> None:
    assert read(("language", "ru"), ("detect_language", "true")).language is None
    assert read(("language", "ru"), ("detect_language", "false")).language == "ru"


@pytest.mark.parametrize(
    "name",
    ["without_timestamps", "beam_size", "best_of", "diarize_model", "condition_on_previous_text", "top_p"],
)
def test_ignored_fields_are_named(server: Any, name: str) -> None:
    answer = server.post(media.silence(1), model="echo", **{name: "1"})
    assert (answer.status_code, answer.headers["x-govor-ignored"]) == (200, name)


def test_only_so_many_names_that_headers_can_hold_are_named(server: Any) -> None:
    odd = {"a\r\nb": "1", "поле": "1", "x" * 41: "1", "empty": "", "segment_size": "5m"}
    assert "x-govor-ignored" not in server.post(media.silence(1), model="echo", **odd).headers
    many = {f"field{number}": "1" for number in range(100)}
    answer = server.post(media.silence(1), model="echo", **many)
    assert len(answer.headers["x-govor-ignored"].split(", ")) == 20


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"task": "sing"}, "task"),
        ({"vad_filter": "maybe"}, "vad_filter"),
        ({"vad_threshold": "2"}, "vad_threshold"),
    ],
)
def test_a_value_that_means_nothing_is_refused(server: Any, fields: dict[str, str], param: str) -> None:
    answer = server.post(media.silence(1), model="echo", **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_strict_server_takes_what_it_does_and_refuses_the_rest(serve: Any) -> None:
    server = serve(strict=True, preload=())
    assert (
        server.post(media.silence(1), model="echo", vad_filter="false", task="transcribe").status_code == 200
    )
    refused = server.post(media.silence(1), model="echo", beam_size="5")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "beam_size")
