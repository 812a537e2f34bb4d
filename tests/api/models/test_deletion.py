"""DELETE /v1/models/{id}, verifying, and what lies on the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from govor.testing import FakeRecognizer
from support.models.small_models import BYTES
from support.waiting import eventually

ErrorOf = Callable[[httpx.Response, int], dict[str, Any]]


def test_the_sdk_deletes_a_model(serve_family: Any, tmp_path: Path) -> None:
    server = serve_family()
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as sdk,
        server.client() as client,
    ):
        client.post("/v1/models", json={"model": "away"}).raise_for_status()
        assert sdk.models.retrieve("away").id == "away"
        deleted = sdk.models.delete("away")
        assert (deleted.id, deleted.object, deleted.deleted) == ("away", "model", True)
        assert [model.id for model in sdk.models.list()] == ["here"]
        with pytest.raises(openai.NotFoundError):
            sdk.models.delete("away")
    assert not (tmp_path / "models/family/away").exists()


def test_what_deleting_frees_is_told(client: httpx.Client) -> None:
    client.post("/v1/models", json={"model": "away"})
    body = client.delete("/v1/models/Owner%2Faway").json()
    assert body.keys() == {"id", "object", "deleted", "freed", "note"}
    assert (body["id"], body["deleted"]) == ("away", True)
    assert "still in the Hugging Face cache" in body["note"]


def test_an_unknown_model_is_not_found(client: httpx.Client, error_of: ErrorOf) -> None:
    assert error_of(client.delete("/v1/models/nonsense"), 404)["code"] == "model_not_found"
    assert error_of(client.delete("/v1/models/away"), 404)["code"] == "model_not_found"


def test_a_model_without_files_is_protected(client: httpx.Client, error_of: ErrorOf) -> None:
    response = client.delete("/v1/models/here")
    assert error_of(response, 409)["code"] == "model_protected"
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "..%2Foutside",
        "%2e%2e/outside",
        "..%2F..%2Foutside",
        "{absolute}",
        "family/../../outside",
        "%2Foutside",
        "away/../../../outside",
        ".",
    ],
)
def test_no_address_leads_out_of_the_models_folder(serve_family: Any, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("somebody's")
    request = httpx.Request("DELETE", serve_family().url)
    raw = f"/v1/models/{path.format(absolute=outside)}".encode()
    request.url = request.url.copy_with(raw_path=raw)  # as it is: httpx would resolve the dots
    with httpx.Client(follow_redirects=True) as client:
        assert client.send(request).status_code in (404, 405)
    assert (outside / "precious").read_text() == "somebody's"


def test_a_loaded_model_that_idles_is_unloaded_and_deleted(
    serve_family: Any, family: Any, samples: Path
) -> None:
    server = serve_family()
    with server.client() as client:
        client.post("/v1/models", json={"model": "away"})
        assert server.post(samples / "ru_short.wav", model="away").status_code == 200
        assert client.get("/v1/models/away").json()["status"] == "loaded"
        assert client.delete("/v1/models/away").status_code == 200
        assert client.get("/v1/models/away").status_code == 404
        assert family.loaded["away"].closed == 1
        assert server.post(samples / "ru_short.wav", model="away").status_code == 404


def test_a_model_in_use_is_busy_and_deleted_by_force_once_its_batch_is_done(
    serve_family: Any, family: Any, samples: Path, error_of: ErrorOf
) -> None:
    gate = threading.Event()
    family.recognizer = lambda spec: FakeRecognizer(spec, gate=gate)
    server = serve_family()
    with ThreadPoolExecutor(2) as threads, server.client() as client:
        client.post("/v1/models", json={"model": "away"})
        answer = threads.submit(server.post, samples / "ru_short.wav", model="away")
        assert eventually(lambda: "away" in family.loaded and family.loaded["away"].calls)
        response = client.delete("/v1/models/away")
        assert error_of(response, 409)["code"] == "model_busy"
        assert response.headers["x-should-retry"] == "false"
        deletion = threads.submit(client.delete, "/v1/models/away?force=true")
        assert client.get("/v1/models/away").status_code == 200
        gate.set()
        assert deletion.result(30).status_code == 200
        answer.result(30)
        assert family.loaded["away"].closed == 1
        assert client.get("/v1/models/away").status_code == 404


def test_files_are_verified_again(client: httpx.Client, tmp_path: Path) -> None:
    client.post("/v1/models", json={"model": "away"})
    report = client.post("/v1/models/away/verify").json()
    assert (report["id"], report["ok"]) == ("away", True)
    assert [(file["name"], file["state"]) for file in report["files"]] == [("weights.bin", "ok")]
    (tmp_path / "models/family/away/weights.bin").write_bytes(b"?" * len(BYTES))
    for _ in range(2):
        assert client.post("/v1/models/away/verify").json()["files"][0]["state"] == "damaged"
        assert client.get("/v1/models/away").status_code == 404
    client.post("/v1/models", json={"model": "away"})
    assert client.post("/v1/models/away/verify").json()["ok"] is True


def test_files_that_were_never_here_are_not_verified(client: httpx.Client, error_of: ErrorOf) -> None:
    assert error_of(client.post("/v1/models/away/verify"), 404)["code"] == "model_not_found"


def test_what_lies_on_the_disk_is_told_and_pruned(client: httpx.Client, tmp_path: Path) -> None:
    client.post("/v1/models", json={"model": "away"})
    folder = tmp_path / "models/family/away"
    (folder / "older.bin.govor-part").write_bytes(b"12345")
    (folder / "mine.bin").write_bytes(b"not Govor's")
    storage = client.get("/v1/storage").json()
    assert storage["folder"] == str(tmp_path / "models")
    assert storage["free"] > 0
    (usage,) = storage["models"]
    assert (usage["model"], usage["shared"], usage["partial"]) == ("away", len(BYTES), 5)
    unused = {"path": "family/away/older.bin.govor-part", "size": 5, "kind": "partial"}
    assert storage["unused"] == [unused]
    assert client.post("/v1/storage/prune").json() == {"freed": 5, "removed": [unused]}
    assert client.get("/v1/models/away").status_code == 200
