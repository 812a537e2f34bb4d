"""Every spelling of a field that a client may use means the same."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from govor.api.request.fields import Fields, parse_fields
from govor.audio.regions import SpeechRules
from support.sound import media

SERVER_VAD = SpeechRules(threshold=0.4, silence=0.2, padding=0.3)


def read(*pairs: tuple[str, str]) -> Fields:
    return parse_fields(MultiDict(pairs))


@pytest.mark.parametrize(
    "pairs",
    [
        [("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment")],
        [("timestamp_granularities", "word"), ("timestamp_granularities", "segment")],
        [("timestamp_granularities", "word,segment")],
        [("timestamp_granularities", '["word", "segment"]')],
        [("timestamp_granularities", "[word, segment]")],
        [("timestamp_granularities[]", "['word', 'segment']")],
        [("timestamp_granularities[0]", "word"), ("timestamp_granularities[1]", "segment")],
    ],
)
def test_an_array_may_be_written_in_every_known_way(pairs: list[tuple[str, str]]) -> None:
    assert read(*pairs).timestamp_granularities == ["word", "segment"]


@pytest.mark.parametrize("name", ["timestamp_granularities", "languages", "include"])
def test_the_first_fault_of_an_array_ends_its_reading(name: str) -> None:
    with pytest.raises(ValidationError) as told:
        Fields.model_validate({name: ["nonsense"] * 1000})
    assert told.value.error_count() == 1  # a thousand would take a megabyte


@pytest.mark.parametrize(
    "pairs",
    [
        [("chunking_strategy[type]", "server_vad"), ("chunking_strategy[threshold]", "0.4")],
        [("chunking_strategy", '{"type": "server_vad", "threshold": 0.4}')],
    ],
)
def test_server_vad_may_be_fields_or_json(pairs: list[tuple[str, str]]) -> None:
    assert read(*pairs).rules() == SERVER_VAD


def test_chunking_auto_leaves_the_rules_to_the_model() -> None:
    assert read(("chunking_strategy", "auto")).rules() is None


def test_half_a_surrogate_in_a_list_is_a_question_mark() -> None:
    assert read(("keywords", '["\\ud800x", "y"]')).keywords == ["?x", "y"]


@pytest.mark.parametrize("value", ["true", "True", "1", "yes", "on"])
def test_stream_may_be_any_word_for_true(value: str) -> None:
    assert read(("stream", value)).stream


def test_empty_fields_are_absent_fields() -> None:
    fields = read(("language", ""), ("temperature", ""), ("prompt", ""), ("model", ""))
    assert fields == Fields()


@pytest.mark.parametrize("value", ["None", "null", "undefined", " None "])
def test_a_value_that_a_program_does_not_have_is_absent(value: str) -> None:
    names = ("language", "temperature", "prompt", "model", "stream", "languages[]")
    assert read(*((name, value) for name in names)) == Fields()


def test_names_and_keywords_may_be_those_words() -> None:
    assert read(("keywords[]", "undefined"), ("channel_names", "None,null")) == Fields(
        keywords=["undefined"], channel_names=["None", "null"]
    )


@pytest.mark.parametrize("value", ["ru", "RU", "ru-RU", "Russian", "rus"])
def test_a_language_may_be_a_code_or_a_name(value: str) -> None:
    assert read(("language", value)).language == "ru"


@pytest.mark.parametrize("value", ["auto", "und", "none", "null", "None", "mul", "multi", "zxx", "*"])
def test_a_language_that_is_to_be_found_out_is_no_language(value: str) -> None:
    fields = read(("language", value), ("languages[]", value), ("languages[]", "ru"))
    assert (fields.language, fields.languages) == (None, ["ru"])


def test_keywords_may_hold_commas() -> None:
    assert read(("keywords[]", "Иванов, Пётр"), ("keywords[]", "Govor")).keywords == ["Иванов, Пётр", "Govor"]


def test_unknown_fields_are_passed_over(server: Any) -> None:
    response = server.post(media.silence(1), model="echo", user="me", seed="1")
    assert response.status_code == 200


def test_what_a_model_cannot_honour_is_named_in_a_header(server: Any) -> None:
    response = server.post(media.silence(1), model="echo", prompt="x", **{"include[]": "logprobs"})
    assert response.headers["x-govor-ignored"] == "prompt, include"
    assert response.headers["x-govor-model"] == "echo"


def test_a_strict_server_refuses_what_a_model_cannot_honour(serve: Any) -> None:
    server = serve(strict=True, preload=())
    response = server.post(media.silence(1), model="echo", prompt="x")
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "prompt"


def test_a_strict_server_refuses_a_field_that_nobody_knows(serve: Any) -> None:
    server = serve(strict=True, preload=())
    response = server.post(media.silence(1), model="echo", respose_format="srt")
    assert (response.status_code, response.json()["error"]["param"]) == (400, "respose_format")
    assert server.post(media.silence(1), model="echo", segment_size="5m", hotwords="").status_code == 200


def test_without_voice_detection_silence_reaches_the_model(server: Any) -> None:
    response = server.post(media.silence(3), model="echo", vad="false")
    assert response.json()["text"] == "3.0 seconds."


def test_a_model_field_that_is_absent_or_empty_means_the_default(server: Any) -> None:
    for fields in ({}, {"model": ""}, {"model": "default"}, {"model": "gpt-4o-transcribe"}):
        response = server.post(media.silence(1), **fields)
        assert response.headers["x-govor-model"] == "whisper-base"
