"""POST /v1/models: in every spelling, with its progress as events, and what may not be fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from support.models.hub_standin import GATED, Hub
from support.models.small_models import BYTES
from support.waiting import eventually

ErrorOf = Callable[[httpx.Response, int], dict[str, Any]]

EVENT = re.compile(r"event: (ping|progress|ok|error)\n(?:data: ([{\"].*)\n)?\n")


def events(text: str) -> list[tuple[str, Any]]:
    """The events of a stream, which must consist of nothing else."""
    assert EVENT.sub("", text) == ""
    return [(name, json.loads(data) if data else None) for name, data in EVENT.findall(text)]


@pytest.mark.parametrize("key", ["model", "path", "id", "name"])
@pytest.mark.parametrize("kind", ["json", "data", "files"])
def test_the_model_is_named_in_every_spelling(client: httpx.Client, kind: str, key: str) -> None:
    body: Any = {key: (None, "org/away")} if kind == "files" else {key: "org/away"}
    assert client.post("/v1/models", **{kind: body}).status_code == 201
    answer = client.post("/v1/models", **{kind: body})
    assert (answer.status_code, answer.json()["id"]) == (200, "org/away")


def test_the_model_is_named_in_the_address(client: httpx.Client, error_of: ErrorOf) -> None:
    assert client.post("/v1/models/org/away/pull").status_code == 201
    assert client.post("/v1/models/org%2Faway/pull").status_code == 200
    assert client.post("/v1/models/org/away").status_code == 200
    assert client.post("/api/v1/models/org%2Faway").status_code == 200
    assert error_of(client.post("/v1/models/nonsense"), 404)["code"] == "model_not_found"
    assert error_of(client.post("/v1/models/nonsense/pull"), 404)["code"] == "model_not_found"


def test_progress_is_told_as_go_whisper_documents_it(client: httpx.Client) -> None:
    response = client.post("/v1/models?stream=true", json={"path": "away"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream"
    told = events(response.text)
    assert [name for name, _ in told] == ["ping", *["progress"] * (len(told) - 2), "ok"]
    for _, data in told[1:-1]:
        assert list(data) == ["status", "total", "completed"]
        assert data["status"] == "downloading weights.bin"
        assert data["total"] == len(BYTES)
    completed = [data["completed"] for _, data in told[1:-1]]
    assert completed == sorted(completed)
    assert completed[-1] == len(BYTES)
    _, data = told[-1]
    created = client.get("/v1/models/away").json()["created"]
    assert data == {"id": "away", "object": "model", "path": "family/away", "created": created}


@pytest.mark.parametrize("how", ["query", "json", "form"])
def test_progress_is_asked_for_in_the_query_or_in_the_body(client: httpx.Client, how: str) -> None:
    asked: dict[str, Any] = {
        "query": {"json": {"model": "away"}, "params": {"stream": "1"}},
        "json": {"json": {"model": "away", "stream": True}},
        "form": {"data": {"model": "away", "stream": "true"}},
    }
    assert events(client.post("/v1/models", **asked[how]).text)[-1][0] == "ok"


def test_progress_of_what_is_here_is_its_end(client: httpx.Client) -> None:
    told = events(client.post("/v1/models?stream=true", json={"model": "here"}).text)
    assert [name for name, _ in told] == ["ping", "ok"]


def test_a_flag_that_is_none_is_refused(client: httpx.Client, error_of: ErrorOf) -> None:
    for asked in (
        {"params": {"stream": "perhaps"}, "json": {"model": "away"}},
        {"data": {"model": "a", "stream": "x"}},
    ):
        error = error_of(client.post("/v1/models", **asked), 400)
        assert (error["param"], error["code"]) == ("stream", "invalid_param")


def test_what_fails_within_a_stream_is_its_last_event(client: httpx.Client, hub: Hub) -> None:
    hub.spoil("weights.bin")
    told = events(client.post("/v1/models?stream=true", json={"model": "away"}).text)
    name, data = told[-1]
    assert name == "error"
    assert isinstance(data, str)  # go-whisper's client reads it into one
    assert "instead of" in data
    assert client.get("/v1/models/away").status_code == 404


def test_a_stream_without_news_is_kept_open(serve_family: Any, hub: Hub) -> None:
    hub.stall("weights.bin")
    with serve_family(keep_alive_seconds=0.2).client() as client:
        with client.stream("POST", "/v1/models?stream=true", json={"model": "away"}) as response:
            seen = ""
            for text in response.iter_text():
                seen += text
                if seen.count("event: ping") == 3:
                    break
        assert client.delete("/v1/models/away").status_code == 200


def test_a_download_goes_on_when_its_reader_leaves(client: httpx.Client, hub: Hub) -> None:
    with client.stream("POST", "/v1/models?stream=true", json={"model": "away"}) as response:
        next(response.iter_text())
    assert eventually(lambda: client.get("/v1/models/away").status_code == 200)
    assert hub.fetched("weights.bin") == 1


def test_all_who_wait_are_told_that_a_download_was_cancelled(
    client: httpx.Client, hub: Hub, error_of: ErrorOf
) -> None:
    hub.stall("weights.bin")
    with ThreadPoolExecutor(3) as threads:
        answers = [threads.submit(client.post, "/v1/models", json={"model": "away"}) for _ in range(3)]
        assert eventually(lambda: hub.sent["weights.bin"] == len(BYTES) // 2)
        assert client.delete("/v1/models/away").status_code == 200
        codes = {error_of(answer.result(30), 409)["code"] for answer in answers}
    assert codes == {"download_cancelled"}
    assert hub.fetched("weights.bin") == 1


def test_a_cancelled_download_leaves_nothing(client: httpx.Client, hub: Hub, tmp_path: Any) -> None:
    hub.stall("weights.bin")
    part = tmp_path / "models/family/away/weights.bin.govor-part"
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(client.post, "/v1/models", json={"model": "away"})
        assert eventually(part.is_file)
        client.delete("/v1/models/away")
        assert answer.result(30).status_code == 409
    assert not part.exists()
    assert client.delete("/v1/models/away").status_code == 404


def test_the_error_for_a_gated_repository_names_the_remedy(
    client: httpx.Client, hub: Hub, error_of: ErrorOf
) -> None:
    hub.refuse("weights.bin", 401, headers=GATED)
    error = error_of(client.post("/v1/models", json={"model": "away"}), 502)
    assert "401: the repository is gated. Accept its terms on the hub, then set HF_TOKEN" in error["message"]


def test_a_disk_without_room_is_507(
    client: httpx.Client, error_of: ErrorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    monkeypatch.setattr("govor.models.files.store.shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    response = client.post("/v1/models", json={"model": "away"})
    assert error_of(response, 507)["code"] == "insufficient_storage"
    assert response.headers["x-should-retry"] == "false"


def test_nothing_is_fetched_where_that_is_off(serve_family: Any, hub: Hub, error_of: ErrorOf) -> None:
    with serve_family(download="off").client() as client:
        error = error_of(client.post("/v1/models", json={"model": "away"}), 403)
        assert (error["code"], error["param"]) == ("download_forbidden", "model")
        assert 'the setting `download` is "off"' in error["message"]
        assert client.post("/v1/models", json={"model": "here"}).status_code == 200
    assert hub.requests.total() == 0


def test_an_unknown_repository_needs_the_operators_word(
    client: httpx.Client, hub: Hub, error_of: ErrorOf
) -> None:
    hub.put("stranger/model", "weights.bin", BYTES)
    error = error_of(client.post("/v1/models", json={"model": "stranger/model"}), 403)
    assert error["code"] == "download_forbidden"
    assert 'the setting `download` is "catalogue". With "any" every repository' in error["message"]
    assert hub.requests.total() == 0


def test_with_any_a_repository_of_the_hub_is_fetched_and_answers(
    serve_family: Any, hub: Hub, samples: Any, error_of: ErrorOf
) -> None:
    hub.put("stranger/model", "weights.bin", BYTES)
    hub.put("stranger/text", "README.md", b"read", large=False)
    server = serve_family(download="any")
    with server.client() as client:
        assert client.post("/v1/models", json={"model": "stranger/model"}).status_code == 201
        assert client.get("/v1/models/stranger/model").json()["backend"] == "family"
        error = error_of(client.post("/v1/models", json={"model": "stranger/text"}), 400)
        assert error["code"] == "unsupported_operation"
        assert error_of(client.post("/v1/models", json={"model": "stranger/absent"}), 502)
    assert server.post(samples / "ru_short.wav", model="stranger/model").status_code == 200


def test_a_model_is_fetched_on_first_use_where_the_operator_wants_it(
    serve_family: Any, hub: Hub, samples: Any
) -> None:
    server = serve_family(auto_pull=True)
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(server.post, samples / "ru_short.wav", model="away") for _ in range(3)]
        assert {answer.result(30).status_code for answer in asked} == {200}
    assert hub.fetched("weights.bin") == 1


def test_otherwise_a_model_is_not_fetched_on_first_use(
    serve_family: Any, hub: Hub, samples: Any, error_of: ErrorOf
) -> None:
    for settings in ({}, {"auto_pull": True, "download": "off"}):
        response = serve_family(**settings).post(samples / "ru_short.wav", model="away")
        assert error_of(response, 404)["code"] == "model_not_found"
    assert hub.requests.total() == 0
