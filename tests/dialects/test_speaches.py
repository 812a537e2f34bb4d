"""Speaches, request by request: ids of the hub, models in memory and on the hub, speech timestamps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from support.processes.servers import Server

MODEL = "Systran/faster-whisper-base"
TASK = {"task": "automatic-speech-recognition"}


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def test_models_are_listed_by_task_with_their_languages(client: httpx.Client) -> None:
    listed = {model["id"]: model for model in client.get("/v1/models", params=TASK).json()["data"]}
    assert listed["whisper-base"]["task"] == TASK["task"]
    assert "ru" in listed["whisper-base"]["language"]


def test_the_registry_has_what_could_be_fetched(client: httpx.Client) -> None:
    known = client.get("/v1/registry", params=TASK).json()["data"]
    assert any("Systran/faster-whisper-small" in model["aliases"] for model in known)


def test_a_model_that_is_here_is_fetched_at_once(client: httpx.Client) -> None:
    assert client.get(f"/v1/models/{MODEL}").json()["id"] == MODEL
    assert client.post(f"/v1/models/{MODEL}").status_code == 200


def test_models_come_into_memory_and_leave_it(serve: Callable[..., Server]) -> None:
    with serve(preload=()).client() as client:
        assert client.post("/api/ps/echo").status_code == 201
        assert client.post("/api/ps/echo").status_code == 409
        assert client.get("/api/ps").json()["models"] == ["echo"]
        assert client.delete("/api/ps/echo").is_success
        assert client.delete("/api/ps/echo").status_code == 404


def test_a_model_is_in_memory_under_the_name_that_its_client_knows(server: Server, samples: Path) -> None:
    with server.client() as client:
        server.post(samples / "ru_short.wav", model=MODEL)
        assert MODEL in client.get("/api/ps").json()["models"]
        assert "whisper-base" in [resident["id"] for resident in client.get("/api/ps").json()["data"]]


def test_the_sdk_gets_the_text_whole_and_streamed(server: Server, samples: Path, transcripts: Any) -> None:
    text = transcripts["ru_short.wav"]["whisper_base"]
    with (
        openai.OpenAI(api_key="none", base_url=f"{server.url}/v1") as sdk,
        (samples / "ru_short.wav").open("rb") as recording,
    ):
        create = sdk.audio.transcriptions.create
        whole = create(model=MODEL, file=recording, extra_body={"hotwords": "столик"})
        recording.seek(0)
        told = list(create(model=MODEL, file=recording, stream=True))
    assert whole.text.rstrip(".") == text.rstrip(".")  # hotwords change the style
    assert "".join(event.delta for event in told[:-1]) == told[-1].text == text


def test_speech_timestamps_are_in_milliseconds(client: httpx.Client, samples: Path) -> None:
    files = {"file": ("a.wav", (samples / "ru_short.wav").read_bytes())}
    (region,) = client.post("/v1/audio/speech/timestamps", files=files, data={"threshold": "0.5"}).json()
    assert 0 <= region["start"] < region["end"] <= 2801


def test_a_model_that_is_not_here_is_404(client: httpx.Client, samples: Path) -> None:
    files = {"file": ("a.wav", (samples / "ru_short.wav").read_bytes())}
    refused = client.post(
        "/v1/audio/transcriptions", files=files, data={"model": "Systran/faster-whisper-tiny"}
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")
