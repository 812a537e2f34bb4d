"""The guard for answers sees those of every route, and finds what /openapi.json does not state."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.processes.answers import Answer, Answers
from support.sound import media
from support.waiting import eventually

ERROR = {"message": "No.", "type": "invalid_request_error", "param": None, "code": "model_not_found"}
JOB = "/v1/jobs/job_1"


def test_an_answer_of_every_route_is_compared(serve_family: Callable[..., Any], answers: Answers) -> None:
    with serve_family().client() as client:
        document = client.get("/openapi.json").json()
        routes = [f"{method.upper()} {path}" for path, it in document["paths"].items() for method in it]
        for route in routes:
            method, _, path = route.partition(" ")
            client.request(method, path.replace("{name}", "here").replace("{job}", "none"))
        for path in ("/v1/audio/transcriptions", "/inference", "/asr", "/v1/audio/speech/timestamps"):
            client.post(path, files={"audio_file" if path == "/asr" else "file": media.silence(1)})
    assert eventually(lambda: len(answers.kinds()) >= 65)  # the last answer is recorded once it was sent
    kinds = answers.kinds()
    assert {route for route, _ in kinds} == set(routes)
    assert len({status for _, status in kinds}) >= 5


def answer(method: str, path: str, status: int, body: object, media_type: str = "application/json") -> Answer:
    return Answer(method, path, status, media_type, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (answer("GET", "/v1/ping", 200, {"status": "dead"}), "status: "),
        (answer("GET", "/v1/ping", 200, {"status": "ok", "age": 1}), "('age' was unexpected)"),
        (answer("GET", "/v1/ping", 418, {}), "418 of GET /v1/ping is not in /openapi.json"),
        (answer("GET", "/v1/ping", 200, {}, "text/html"), "not 'text/html'"),
        (answer("GET", "/v1/plugins", 200, {"object": "list"}), '"data" is a required property'),
        (answer("GET", "/v1/plugins", 200, {"data": [{}]}), "data/0: "),
        (
            answer("GET", "/v1/models/a/b", 404, {"error": {**ERROR, "code": "job_not_found"}}),
            "not job_not_found",
        ),
        (
            answer("GET", "/v1/models/a/b", 404, {"error": {**ERROR, "status": 404}}),
            "'status' was unexpected",
        ),
        (answer("POST", "/inference", 404, {"error": ERROR}), 'is not of type "string"'),
        (answer("GET", "/none", 404, {"error": "No.", "code": "not_found"}), "404 without a route"),
    ],
)
def test_an_answer_that_the_document_does_not_state_is_a_fault(
    server: Any, answers: Answers, wrong: Answer, sentence: str
) -> None:
    pytest.importorskip("jsonschema_rs")
    assert sentence in answers.statements(server.service.formats.added).fault(wrong)


@pytest.mark.parametrize(
    "right",
    [
        answer("GET", "/v1/ping", 200, {"status": "ok"}),
        answer("GET", "/v1/models/a/b", 404, {"error": ERROR}),
        answer("GET", JOB, 400, {"error": {**ERROR, "code": "bad_request"}}),
        answer("GET", "/none", 404, {"error": {**ERROR, "code": "not_found"}}),
        answer("POST", "/inference", 404, {"error": "No.", "code": "model_not_found"}),
        answer("POST", "/inference", 200, "WEBVTT", "text/vtt"),
        answer("GET", "/docs", 200, "", "text/html"),
    ],
)
def test_an_answer_that_the_document_states_is_none(server: Any, answers: Answers, right: Answer) -> None:
    assert answers.statements(server.service.formats.added).fault(right) == ""
