"""Bearer keys: several, compared whole; health and readiness stay open."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from support.sound import media


@pytest.fixture
def locked(serve: Any) -> Any:
    return serve(api_keys=("first", "ключ"), preload=())


def test_a_wrong_key_is_an_authentication_error_for_the_sdk(locked: Any) -> None:
    with (
        openai.OpenAI(base_url=f"{locked.url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.models.list()
    assert caught.value.code == "invalid_api_key"


def test_a_missing_key_is_refused_with_the_scheme_named(locked: Any) -> None:
    with locked.client() as client:
        response = client.get("/v1/models")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("key", ["first", "ключ"])
def test_any_of_the_keys_opens_the_api(locked: Any, key: str) -> None:
    header = f"Bearer {key}".encode()
    with locked.client(headers={b"authorization": header}) as client:
        assert client.get("/v1/models").status_code == 200
        files = {"file": ("a.wav", media.silence(1))}
        assert client.post("/v1/audio/transcriptions", files=files, data={"model": "echo"}).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/openapi.json", "/docs", "/docs/swagger-ui.css"])
def test_health_and_documentation_stay_open(locked: Any, path: str) -> None:
    with locked.client() as client:
        assert client.get(path).status_code in ((200, 503) if path == "/ready" else (200,))


def test_an_unknown_path_tells_nothing_without_a_key(locked: Any) -> None:
    with locked.client() as client:
        assert client.get("/v1/anything").status_code == 401
