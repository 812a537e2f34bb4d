import json
import math

import pytest
from openai.types.audio import Transcription, TranscriptionVerbose

from govor.contract.results import Segment, Token, Word
from govor.errors import ModelNotFound
from govor.formats.openai import dump_json, error_body, json_body, verbose_body

TOKENS = (Token(7, " при".encode(), -0.1), Token(8, "вет".encode(), -0.2))
WORDS = (Word(" при", 0.1 + 0.2, 0.5, 0.9), Word("вет", 0.5, 0.7))


@pytest.fixture
def verbose(build):
    def verbose(*segments, words=True, **facts):
        return verbose_body(build(*segments, **facts), words=words, segments=True)

    return verbose


def test_the_sdk_reads_the_json_body(build):
    transcript = build(Segment("привет", tokens=TOKENS), duration=8.2, language="ru")
    body = Transcription.model_validate_json(dump_json(json_body(transcript, logprobs=True)), strict=True)
    assert body.text == "привет"
    assert [language.code for language in body.languages] == ["ru"]
    assert [token.logprob for token in body.logprobs] == [-0.1, -0.2]
    assert body.usage.seconds == 9


def test_the_plain_json_body_has_nothing_more_than_is_known(build):
    assert json_body(build(Segment("hi"), duration=1.0, language=None), logprobs=True) == {
        "text": "hi",
        "usage": {"type": "duration", "seconds": 1},
    }


def test_every_spoken_language_is_named_once_and_the_main_one_first(build):
    transcript = build(*(Segment("a", language=code) for code in ("en", "ru", "en")), language="ru")
    assert json_body(transcript, logprobs=False)["languages"] == [{"code": "ru"}, {"code": "en"}]


def test_token_bytes_are_a_list_of_numbers(build):
    body = json_body(build(Segment("й", tokens=(Token(1, "й".encode(), 0.0),))), logprobs=True)
    assert body["logprobs"] == [{"token": "й", "logprob": 0.0, "bytes": [208, 185]}]


def test_logprobs_come_only_when_asked_for(build):
    assert "logprobs" not in json_body(build(Segment("привет", tokens=TOKENS)), logprobs=False)


def test_logprobs_of_half_a_text_are_withheld(build):
    assert "logprobs" not in json_body(build(Segment("привет", tokens=TOKENS), Segment("b")), logprobs=True)


def test_silence_between_needs_no_logprobs(build):
    transcript = build(Segment("привет", tokens=TOKENS), Segment(""))
    assert len(json_body(transcript, logprobs=True)["logprobs"]) == 2


@pytest.mark.parametrize("impossible", [-math.inf, math.nan])
def test_an_impossible_token_has_the_lowest_logprob_of_openai(build, impossible):
    body = json_body(build(Segment("a", tokens=(Token(1, b"a", impossible),))), logprobs=True)
    assert body["logprobs"][0]["logprob"] == -9999.0


@pytest.mark.parametrize(("duration", "seconds"), [(0.0, 0), (8.0, 8), (8.001, 9), (0.1 + 0.2 + 2.7, 3)])
def test_usage_counts_begun_seconds(build, duration, seconds):
    assert json_body(build(duration=duration), logprobs=False)["usage"]["seconds"] == seconds


def test_the_sdk_reads_the_verbose_body(verbose):
    segment = Segment("привет", 0.3, 0.7, WORDS, TOKENS, avg_logprob=-0.5, no_speech_prob=0.1)
    body = TranscriptionVerbose.model_validate_json(dump_json(verbose(segment, language="ru")), strict=True)
    assert body.language == "russian"
    assert [word.word for word in body.words] == ["при", "вет"]
    assert body.segments[0].tokens == [7, 8]
    assert (body.segments[0].avg_logprob, body.segments[0].no_speech_prob) == (-0.5, 0.1)


def test_the_sdk_reads_the_verbose_body_of_silence(verbose):
    body = TranscriptionVerbose.model_validate(verbose(language=None), strict=True)
    assert (body.text, body.language, body.words, body.segments) == ("", "unknown", [], [])


def test_a_segment_of_a_model_that_says_little_still_has_all_ten_keys(verbose):
    assert verbose(Segment(" hello "), duration=2.0)["segments"] == [
        {
            "id": 0,
            "seek": 0,
            "start": 0.0,
            "end": 2.0,
            "text": "hello",
            "tokens": [],
            "temperature": 0.0,
            "avg_logprob": 0.0,
            "compression_ratio": 0.385,
            "no_speech_prob": 0.0,
        }
    ]


def test_a_text_that_repeats_itself_has_a_high_compression_ratio(verbose):
    assert verbose(Segment("and so on " * 30))["segments"][0]["compression_ratio"] > 2.4


def test_ids_count_the_segments_that_have_text(verbose):
    assert [segment["id"] for segment in verbose(Segment("a"), Segment(" "), Segment("b"))["segments"]] == [
        0,
        1,
    ]


def test_times_have_at_most_three_decimals(verbose):
    body = verbose(Segment("привет", 0.1 + 0.2, 0.7, WORDS), duration=0.1 + 0.2)
    assert body["duration"] == body["segments"][0]["start"] == body["words"][0]["start"] == 0.3


def test_words_without_a_probability_do_not_mention_it(verbose):
    assert verbose(Segment("привет", words=WORDS))["words"] == [
        {"word": "при", "start": 0.3, "end": 0.5, "probability": 0.9},
        {"word": "вет", "start": 0.5, "end": 0.7},
    ]


def test_words_that_the_model_cannot_give_are_an_empty_list(verbose):
    assert verbose(Segment("привет"))["words"] == []


def test_words_and_segments_appear_only_when_asked_for(build):
    body = verbose_body(build(Segment("привет", words=WORDS)), words=False, segments=False)
    assert list(body) == ["task", "language", "language_code", "duration", "text", "model", "usage"]


def test_the_language_is_a_name_and_its_code_an_extra(verbose):
    body = verbose(Segment("a"), language="yue")
    assert (body["language"], body["language_code"]) == ("cantonese", "yue")


def test_a_translation_is_in_english(verbose):
    body = verbose(Segment("Hello"), language="ru", task="translate")
    assert (body["task"], body["language"], body["language_code"]) == ("translate", "english", "en")


def test_a_number_that_json_lacks_does_not_reach_the_body(verbose):
    body = verbose(Segment("a", avg_logprob=-math.inf, no_speech_prob=math.nan))
    assert json.loads(dump_json(body))["segments"][0]["avg_logprob"] == 0.0


def test_json_is_one_line_of_readable_text():
    assert dump_json({"text": "при\nвет"}) == '{"text":"при\\nвет"}'


def test_an_error_body_has_its_four_keys():
    assert error_body(ModelNotFound("x", known=["echo"])) == {
        "message": "The model 'x' does not exist. Available: echo.",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


def test_silence_names_no_language_but_the_key_is_there(build):
    assert json_body(build(language=None), logprobs=False)["languages"] == []
