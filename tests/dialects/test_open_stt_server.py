"""open-stt-server's document, request by request. Its flags are in tests/cli/serve/test_open_stt_flags.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from support.processes.servers import Server

URL = "/v1/audio/transcriptions"
ITS_MODELS = """
    tiny tiny.en base base.en small small.en medium medium.en large large-v2 large-v3 large-v3-turbo
    distil-medium.en distil-large-v2 distil-large-v3
"""


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def post(client: httpx.Client, path: Path, **fields: str) -> httpx.Response:
    return client.post(URL, files={"file": (path.name, path.read_bytes())}, data=fields)


def test_health_says_ok(client: httpx.Client) -> None:
    assert client.get("/health").json()["status"] == "ok"


def test_models_are_listed(client: httpx.Client) -> None:
    body = client.get("/v1/models").json()
    assert body["object"] == "list"
    assert {"id", "object", "owned_by"} <= set(body["data"][0])
    assert "whisper-base" in {model["id"] for model in body["data"]}


@pytest.mark.parametrize("model", [{}, {"model": ""}, {"model": "whisper-base"}, {"model": "whisper-1"}])
def test_the_model_may_be_left_out(
    client: httpx.Client, samples: Path, transcripts: Any, model: dict[str, str]
) -> None:
    answer = post(client, samples / "ru_short.wav", **model)
    assert answer.json()["text"] == transcripts["ru_short.wav"]["whisper_base"]


def test_text_is_plain(client: httpx.Client, samples: Path, transcripts: Any) -> None:
    answer = post(client, samples / "ru_short.wav", response_format="text")
    assert answer.text.strip() == transcripts["ru_short.wav"]["whisper_base"]


def test_language_prompt_and_temperature_are_taken(client: httpx.Client, samples: Path) -> None:
    fields = {"language": "ru", "prompt": "Столик", "temperature": "0"}
    assert post(client, samples / "ru_short.wav", **fields).status_code == 200


def test_the_sdk_speaks_to_it(server: Server, samples: Path, transcripts: Any) -> None:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none") as sdk:
        result = sdk.audio.transcriptions.create(model="whisper-base", file=samples / "en.wav")
    assert result.text == transcripts["en.wav"]["whisper_base"]


@pytest.mark.parametrize("name", ITS_MODELS.split())
def test_its_whisper_models_are_known(server: Server, name: str) -> None:
    assert server.service.router.find(f"whisper-{name}") is not None


def test_the_error_for_an_unknown_model_lists_the_known_ones(client: httpx.Client, samples: Path) -> None:
    answer = post(client, samples / "ru_short.wav", model="voxtral-mini-99")
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert "whisper-base" in error["message"]
