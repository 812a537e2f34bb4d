import json

import pytest
from openai.types.audio import (
    TranscriptionStreamEvent,
    TranscriptionTextDeltaEvent,
    TranscriptionTextDoneEvent,
)
from pydantic import TypeAdapter

from govor.contract.results import Segment, Token
from govor.errors import TranscriptionFailed
from govor.formats import events

TOKENS = (Token(1, " вет".encode(), -0.2),)


def payload(event: bytes) -> str:
    """Return the data of an event; check that its name, if it has one, is the type in its data."""
    assert event.endswith(b"\n\n")
    *named, data, _, _ = event.decode().split("\n")
    assert data.startswith("data: ")
    body = data.removeprefix("data: ")
    kind = json.loads(body)["type"]
    assert named == ([] if kind == "error" else [f"event: {kind}"])
    return body


def parse(event: bytes):
    return TypeAdapter(TranscriptionStreamEvent).validate_json(payload(event), strict=True)


def test_the_sdk_reads_a_delta():
    event = parse(events.delta(" вет", TOKENS))
    assert isinstance(event, TranscriptionTextDeltaEvent)
    assert (event.delta, event.segment_id) == (" вет", None)
    assert event.logprobs[0].bytes == list(" вет".encode())


def test_a_delta_without_logprobs_does_not_mention_them():
    assert (
        events.delta("при\nвет")
        == (
            'event: transcript.text.delta\ndata: {"type":"transcript.text.delta","delta":"при\\nвет"}\n\n'
        ).encode()
    )


def test_the_sdk_reads_the_end(build):
    event = parse(events.done(build(Segment("привет", tokens=TOKENS), language="ru"), logprobs=True))
    assert isinstance(event, TranscriptionTextDoneEvent)
    assert event.text == "привет"
    assert event.languages[0].code == "ru"
    assert event.logprobs[0].token == "вет"


def test_the_end_has_no_usage_in_seconds(build):
    assert json.loads(payload(events.done(build(Segment("a")), logprobs=False))) == {
        "type": "transcript.text.done",
        "text": "a",
        "languages": [{"code": "en"}],
    }


@pytest.mark.parametrize("param", [None, "model"])
def test_an_error_has_its_four_keys(param):
    assert json.loads(payload(events.failure(TranscriptionFailed("It broke.", param=param)))) == {
        "type": "error",
        "error": {
            "message": "It broke.",
            "type": "server_error",
            "param": param,
            "code": "transcription_error",
        },
    }


def test_the_fixed_events_are_what_clients_know():
    assert events.DONE == b"data: [DONE]\n\n"
    assert events.progress(12.34, 60) == b": keep-alive\n: progress 12.3/60.0\n"
    assert events.progress(0, None) == b": keep-alive\n: progress 0.0\n"
