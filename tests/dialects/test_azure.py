"""Azure's addresses and header: a deployment is the name of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai

from support.sound import media

BASE = "/openai/deployments"


def test_azures_own_client_is_answered(serve: Any, samples: Path) -> None:
    locked = serve(api_keys=("secret",), preload=())
    with (
        openai.AzureOpenAI(
            azure_endpoint=locked.url, api_key="secret", api_version="2024-06-01", max_retries=0
        ) as client,
        (samples / "ru_short.wav").open("rb") as file,
    ):
        text = client.audio.transcriptions.create(model="whisper-base", file=file).text
        listed = [model.id for model in client.models.list()]
    assert text == "Я хочу заказать столик на двоих."
    assert "whisper-base" in listed


def test_translations_are_english(server: Any, samples: Path) -> None:
    with server.client() as client, (samples / "ru_short.wav").open("rb") as file:
        answer = client.post(f"{BASE}/whisper-base/audio/translations", files={"file": file})
    assert answer.json()["text"].isascii()


def test_azures_own_client_reads_a_stream(serve: Any, samples: Path) -> None:
    with (
        openai.AzureOpenAI(
            azure_endpoint=serve(preload=()).url,
            api_key="any",
            api_version="2025-03-01-preview",
            max_retries=0,
        ) as client,
        (samples / "ru_short.wav").open("rb") as file,
    ):
        events = list(client.audio.transcriptions.create(model="whisper-base", file=file, stream=True))
    assert events[-1].type == "transcript.text.done"


def test_the_path_names_the_model_and_slashes_belong_to_it(serve: Any) -> None:
    server = serve(preload=(), aliases={"owner/echo": "echo"})
    with server.client() as client:
        for name in ("echo", "owner/echo", "owner%2Fecho"):
            files = {"file": ("a.wav", media.silence(1))}
            answer = client.post(
                f"{BASE}/{name}/audio/transcriptions?api-version=1", files=files, data={"model": "gpt-4o"}
            )
            assert (answer.status_code, answer.headers["x-govor-model"]) == (200, "echo")


def test_a_deployment_that_is_not_here_is_named(server: Any) -> None:
    with server.client() as client:
        files = {"file": ("a.wav", media.silence(1))}
        answer = client.post(f"{BASE}/nobody/audio/transcriptions", files=files)
    assert answer.status_code == 404
    assert "nobody" in answer.json()["error"]["message"]


def test_the_header_api_key_is_a_key(serve: Any) -> None:
    locked = serve(api_keys=("secret",), preload=())
    with locked.client() as client:
        assert client.get("/v1/models", headers={"api-key": "secret"}).status_code == 200
        assert client.get("/v1/models", headers={"api-key": "wrong"}).status_code == 401
