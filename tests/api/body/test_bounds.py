"""Limits apply to the whole form, and none of its files remains after the answer."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from govor.api.body.form import Form
from govor.requests.speakers import SpeakerFields
from support.sound import media
from support.waiting import eventually

URL = "/v1/audio/transcriptions"
RECORDING = media.silence(1)


@pytest.fixture
def client(server: Any) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def send(client: httpx.Client, path: str = URL, **fields: Any) -> httpx.Response:
    return client.post(path, files={"file": ("a.wav", RECORDING)}, data={"model": "echo", **fields})


def refused(response: httpx.Response, param: str) -> str:
    """The message of a 400 that names a field, and is short whatever was sent."""
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["param"] == param
    assert len(response.content) < 1000
    return str(error["message"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "ß" * 100_000),
        ("response_format", "x" * 100_000),
        ("language", "x" * 100_000),
        ("languages", "ru," * 100_000),
        ("temperature", "1" * 100_000),
        ("stream", "t" * 100_000),
        ("webhook_url", "http://" + "x" * 100_000),
        ("chunking_strategy", json.dumps({str(key): 0 for key in range(50_000)})),
        ("prompt", "x" * 200_000),
        ("keywords", "x" * 200_000),
    ],
)
def test_a_field_of_absurd_length_is_refused(client: httpx.Client, field: str, value: str) -> None:
    assert "letters" in refused(send(client, **{field: value}), field)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("languages", "ru," * 100 + "ru"),
        ("languages[]", ["ru"] * 101),
        ("languages", json.dumps(["ru"] * 101)),
        ("include[]", ["logprobs"] * 101),
        ("timestamp_granularities[]", ["word"] * 101),
        ("keywords", json.dumps(["a"] * 1001)),
        ("known_speaker_references", json.dumps(["data:audio/wav;base64,AA"] * 400_000)),
    ],
)
def test_a_list_of_absurd_length_is_refused(client: httpx.Client, field: str, value: Any) -> None:
    assert "items" in refused(send(client, **{field: value}), field.partition("[")[0])


def test_lists_and_texts_that_people_send_are_taken(client: httpx.Client) -> None:
    response = send(
        client,
        **{
            "languages[]": ["ru"] * 100,
            "keywords": json.dumps([f"word {number}" for number in range(1000)]),
            "prompt": "слово " * 4000,
            "a field that nobody knows": "x" * 500_000,
        },
    )
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("spelling", ["json", "brackets"])
def test_of_many_unknown_keys_one_is_named(client: httpx.Client, spelling: str) -> None:
    keys = [f"key{number}" for number in range(400)]
    if spelling == "json":
        fields = {"chunking_strategy": json.dumps({"type": "server_vad", **dict.fromkeys(keys, 0)})}
    else:
        fields = {f"chunking_strategy[{key}]": "0" for key in keys}
    message = refused(send(client, **fields), "chunking_strategy")
    assert "no key 'key0'" in message


def test_a_setting_that_nobody_knows_is_named_once(client: httpx.Client) -> None:
    body = json.dumps(dict.fromkeys((f"key{number}" for number in range(5000)), 1))
    response = client.post("/v1/models/echo/load", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("'key0' is no setting")


@pytest.mark.parametrize("path", ["/inference", "/v1/audio/speech/timestamps", "/v1/audio/diarization"])
def test_other_routes_have_the_same_bounds(client: httpx.Client, path: str) -> None:
    name = "threshold" if path.endswith("timestamps") else "response_format"
    response = send(client, path, **{name: "1" * 10_000})
    assert response.status_code == 400
    assert "8000" in response.text
    assert len(response.content) < 1000


def test_an_urlencoded_form_of_too_many_fields_is_refused(client: httpx.Client) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for path in ("/v1/models", "/load"):
        response = client.post(path, content="a=1&" * 1001, headers=headers)
        assert response.status_code == 413
        assert "1000 fields" in response.text


def test_references_are_ascii(client: httpx.Client) -> None:
    references = {"known_speaker_references[]": "data:audio/wav;base64," + "é" * 100}
    assert "ASCII" in refused(send(client, **references), "known_speaker_references")


def test_names_of_fields_are_counted_too(client: httpx.Client) -> None:
    response = send(client, **{f"{number:03}" + "n" * 12_000: "" for number in range(100)})
    assert response.status_code == 413
    assert "1 MB" in response.text


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def forms() -> dict[int, Any]:
    """Return the forms in memory by identity, as they came or as they were understood."""
    kinds = (Form, SpeakerFields)  # by `type`: some libraries' objects warn if they are asked for their class
    return {id(thing): thing for thing in gc.get_objects() if issubclass(type(thing), kinds)}


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (URL, {}),
        (URL, {"stream": "true"}),
        (URL, {"temperature": "hot"}),
        (URL, {"languages": "klingon"}),
        (URL, {"chunking_strategy": "{broken"}),
        (URL, {"model": "no-such-model"}),
        (URL, {"prompt": "x" * 1_000_001}),
        (URL, {"background": "true"}),
        (URL, {"diarize": "true", "response_format": "text", "known_speaker_names[]": "a"}),
        ("/inference", {"temperature": "hot"}),
        ("/v1/audio/detect", {}),
        ("/v1/audio/diarization", {"response_format": "nonsense"}),
    ],
)
def test_a_form_is_gone_when_it_has_been_answered(
    path: str, fields: dict[str, str], client: httpx.Client
) -> None:
    send(client, path, **fields)
    with without_collector():
        others = forms()  # other tests' own
        for _ in range(3):
            send(client, path, **fields)
        assert eventually(lambda: forms().keys() <= others.keys(), 3)


def test_the_text_of_a_form_takes_a_bounded_part_of_memory(serve: Callable[..., Any]) -> None:
    server = serve(preload=(), default_models=("echo",))
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{number}"\r\n\r\n{"😀" + "x" * 7_900_000}\r\n'.encode()
        for number in range(6)
    ]
    with server.client() as client:
        send(client)
        tracemalloc.start()
        try:
            body = iter(parts)
            kind = {"content-type": "multipart/form-data; boundary=x"}
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            response = client.post(URL, content=body, headers=kind)
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
    assert response.status_code == 413
    assert peak < 30_000_000  # the client's own pieces of 8 MB are in it
