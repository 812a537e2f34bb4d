"""GET and POST /v1/models: what can answer, in OpenAI's shape, and fetching what cannot yet."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from govor import __version__
from govor.settings import Settings
from govor.testing import FakeBackend, plugins_of
from support.models.hub_standin import Hub

PATIENCE_SECONDS = 30


def error_of(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    return dict(response.json()["error"])


def test_the_list_tells_everything_about_what_can_answer(client: httpx.Client) -> None:
    body = client.get("/v1/models").json()
    gigastt = {
        "id": "here",
        "name": "here",
        "version": __version__,
        "encoder": "fp32",
        "vocab_size": 0,
        "sample_rate": 16000,
        "pool_size": 0,
        "pool_available": 0,
        "diarization": False,
    }
    model = {
        **gigastt,
        "object": "model",
        "created": 0,
        "owned_by": "family",
        "backend": "family",
        "path": "",
        "device": None,
        "precision": None,
        "variants": [],
        "loaded_at": None,
        "memory": None,
        "task": "automatic-speech-recognition",
        "status": "installed",
        "loaded": False,
        "languages": ["ru", "en"],
        "language": ["ru", "en"],
        "features": ["prompt", "words"],
        "aliases": ["Owner/here", "mine", "whisper-1"],
        "description": "Is here",
        "reason": None,
    }
    kinds = {key: body["data"][0].pop(key) for key in ("supported_formats", "supported_rates")}
    assert body.pop("models") == [{**model, **kinds}]
    assert body == {"object": "list", "data": [model], **gigastt, **kinds}


def test_the_list_is_openais_alone_where_the_operator_wants_it_so(serve: Callable[..., Any]) -> None:
    server = serve(compat={"gigastt": False}, preload=())
    with server.client() as client:
        assert set(client.get("/v1/models/").json()) == {"object", "data", "models"}


def test_the_sdk_reads_the_list_and_each_model(server: Any) -> None:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none") as sdk:
        models = list(sdk.models.list())
        assert {model.id for model in models} >= {"echo", "whisper-base"}
        assert sdk.models.retrieve("Systran/faster-whisper-base").id == "Systran/faster-whisper-base"
        assert {model.object for model in models} == {"model"}


@pytest.mark.parametrize(
    "name", ["here", "HERE", "family/here", "whisper-1", "whisper-1-2026-03-20", "default"]
)
def test_a_model_is_found_under_each_of_its_names(client: httpx.Client, name: str) -> None:
    assert client.get(f"/v1/models/{name}").json()["id"] == "here"


@pytest.mark.parametrize("name", ["Owner/here", "owner/HERE", "mine"])
def test_an_alias_that_was_asked_for_is_the_id_that_answers(client: httpx.Client, name: str) -> None:
    body = client.get(f"/v1/models/{name}").json()
    assert (body["id"], body["name"]) == (name, "here")


def test_a_name_may_be_escaped(client: httpx.Client) -> None:
    assert client.get("/v1/models/Owner%2Fhere").json()["id"] == "Owner/here"


def test_an_unknown_model_is_not_found(client: httpx.Client) -> None:
    error = error_of(client.get("/v1/models/no/such/model"), 404)
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert error["message"] == "The model 'no/such/model' does not exist. Available: here."


def test_a_model_that_is_not_installed_tells_how_to_fetch_it(client: httpx.Client) -> None:
    error = error_of(client.get("/v1/models/Owner/away"), 404)
    assert error["code"] == "model_not_found"
    assert "`govor pull away`" in error["message"]


def test_a_loaded_model_is_told_so(server: Any, samples: Path) -> None:
    assert server.post(samples / "ru_short.wav", model="echo").status_code == 200
    with server.client() as client:
        assert client.get("/v1/models/echo").json()["status"] == "loaded"


def test_a_model_that_does_not_load_is_told_with_the_reason(serve: Any, samples: Path) -> None:
    broken = plugins_of(Settings(), family=FakeBackend("small", failure=OSError("no libcudnn.so")))
    server = serve(broken, default_models=("small",), preload=())
    assert server.post(samples / "ru_short.wav").status_code == 503
    with server.client() as client:
        model = client.get("/v1/models/small").json()
    assert model["status"] == "failed"
    assert model["reason"] == "The model 'small' cannot be loaded: OSError: no libcudnn.so"


def test_a_fetched_model_is_created_the_first_time_and_there_the_second(client: httpx.Client) -> None:
    answer = client.post("/v1/models", json={"model": "Owner/away"})
    assert answer.status_code == 201
    assert (answer.json()["id"], answer.json()["status"]) == ("away", "installed")
    assert answer.json()["created"] > 1_700_000_000
    again = client.post("/v1/models", json={"model": "away"})
    assert (again.status_code, again.json()) == (200, answer.json())
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["here", "away"]


def test_a_fetched_model_becomes_the_default_where_it_is_preferred(client: httpx.Client) -> None:
    assert client.get("/v1/models/whisper-1").json()["id"] == "here"
    client.post("/v1/models", json={"model": "away"})
    assert client.get("/v1/models/whisper-1").json()["id"] == "away"


def test_an_id_with_a_slash_can_be_fetched(client: httpx.Client, tmp_path: Path) -> None:
    assert client.post("/v1/models", json={"model": "org/away"}).status_code == 201
    assert client.get("/v1/models/org/away").json()["status"] == "installed"
    assert (tmp_path / "models/family/org--away/words.bin").read_bytes() == b"yes no"


def test_the_default_can_be_asked_for_where_it_is_here(client: httpx.Client, hub: Hub) -> None:
    answer = client.post("/v1/models", json={"model": "whisper-1"})
    assert (answer.status_code, answer.json()["id"]) == (200, "here")
    assert hub.requests.total() == 0


def test_fetching_an_unknown_model_names_all_that_are_known(client: httpx.Client) -> None:
    error = error_of(client.post("/v1/models", json={"model": "nonsense"}), 404)
    assert error["message"] == "The model 'nonsense' does not exist. Available: here, away, org/away."


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"model": 5}', b'{"model": ""}', b"\xff", b'"away"', b"[" * 50_000]
)
def test_a_body_that_names_no_model_is_refused(client: httpx.Client, body: bytes) -> None:
    error = error_of(client.post("/v1/models", content=body), 400)
    assert (error["code"], error["param"]) == ("invalid_param", "model")
    assert '{"model": "…"}' in error["message"]


def test_a_failed_download_is_told_with_its_cause_and_not_to_be_repeated(
    client: httpx.Client, hub: Hub
) -> None:
    hub.refuse("weights.bin", 500)
    response = client.post("/v1/models", json={"model": "away"})
    error = error_of(response, 502)
    assert (error["code"], error["type"]) == ("download_failed", "server_error")
    assert error["message"].startswith("Cannot fetch 'weights.bin': hf:owner/x@")
    assert "500 Internal Server Error" in error["message"]
    assert response.headers["x-should-retry"] == "false"
    assert error_of(client.get("/v1/models/away"), 404)["code"] == "model_not_found"


def test_all_who_ask_for_a_model_at_once_get_the_same_download(client: httpx.Client, hub: Hub) -> None:
    hub.gate = threading.Event()
    with ThreadPoolExecutor(12) as threads:
        answers = [threads.submit(client.post, "/v1/models", json={"model": "away"}) for _ in range(12)]
        assert hub.waiting.acquire(timeout=PATIENCE_SECONDS)
        assert client.get("/health").status_code == 200
        hub.gate.set()
        assert {answer.result(PATIENCE_SECONDS).status_code for answer in answers} <= {200, 201}
    assert hub.fetched("weights.bin") == 1


def test_a_model_is_transcribed_with_while_others_are_fetched(
    client: httpx.Client, hub: Hub, samples: Path
) -> None:
    """Many waiting requests for one download must not take the threads that decode."""
    hub.gate = threading.Event()
    with ThreadPoolExecutor(12) as threads:
        answers = [threads.submit(client.post, "/v1/models", json={"model": "away"}) for _ in range(12)]
        assert hub.waiting.acquire(timeout=PATIENCE_SECONDS)
        files = {"file": ("ru.wav", (samples / "ru_short.wav").read_bytes())}
        text = client.post("/v1/audio/transcriptions", files=files, data={"model": "here"})
        assert text.status_code == 200
        hub.gate.set()
        assert all(answer.result(PATIENCE_SECONDS).is_success for answer in answers)
