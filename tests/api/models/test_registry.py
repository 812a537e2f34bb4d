"""GET /v1/registry: every model that is known, what it is, and where in its life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from govor.models.catalogue import Model
from govor.models.files.store import Store
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeDiarizer, plugins_of
from support.models.hub_standin import Hub
from support.models.small_models import BYTES
from support.waiting import eventually

ErrorOf = Callable[[httpx.Response, int], dict[str, Any]]


def entries(client: httpx.Client, **query: str) -> dict[str, dict[str, Any]]:
    """The registry's entries by id."""
    body = client.get("/v1/registry", params=query).raise_for_status().json()
    assert body["object"] == "list"
    return {entry["id"]: entry for entry in body["data"]}


def test_the_registry_tells_everything_about_every_model(client: httpx.Client) -> None:
    found = entries(client)
    assert list(found) == ["here", "away", "org/away"]
    expected = {
        "id": "away",
        "object": "model",
        "created": 0,
        "owned_by": "family",
        "backend": "family",
        "status": "available",
        "state": "available",
        "languages": ["kk"],
        "features": ["translate"],
        "aliases": ["Owner/away"],
        "description": "",
        "reason": None,
        "path": "family/away",
        "size": len(BYTES),
        "size_estimate": None,
        "memory_estimate": 5,
        "device": None,
        "precision": None,
        "loaded_at": None,
        "memory": None,
        "tasks": ["transcribe", "translate"],
        "licence": "MIT",
        "error_rates": [{"set": "a set", "wer": 8.5}],
        "progress": None,
    }
    assert {key: found["away"].get(key) for key in expected} == expected
    assert (found["here"]["state"], found["here"]["size"], found["here"]["path"]) == ("installed", 0, "")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"task": "translate"}, ["away"]),
        ({"task": "transcribe"}, ["here", "away", "org/away"]),
        ({"task": "automatic-speech-recognition"}, ["here", "away", "org/away"]),
        ({"language": "ru"}, ["here", "org/away"]),
        ({"language": "Kazakh"}, ["away", "org/away"]),
        ({"state": "available"}, ["away", "org/away"]),
        ({"state": "loaded"}, []),
        ({"backend": "family"}, ["here", "away", "org/away"]),
        ({"state": "installed", "language": "en", "backend": "family"}, ["here"]),
    ],
)
def test_the_registry_is_filtered(client: httpx.Client, query: dict[str, str], ids: list[str]) -> None:
    assert list(entries(client, **query)) == ids


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "task",
            "sing",
            "'task' is one of transcribe, translate, diarize, vad, text, automatic-speech-recognition, "
            "speaker-diarization, voice-activity-detection, text2text-generation, not 'sing'.",
        ),
        ("language", "klingon", "'language': 'klingon' is not a language known here"),
        ("state", "asleep", "'state' is one of available, downloading, installed, loading, loaded, failed"),
        ("backend", "absent", "'backend' is one of family, not 'absent'."),
        ("task", "", "'task' is one of"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(
    client: httpx.Client, error_of: ErrorOf, name: str, value: str, told: str
) -> None:
    error = error_of(client.get("/v1/registry", params={name: value}), 400)
    assert (error["code"], error["param"]) == ("invalid_param", name)
    assert told in error["message"]


def test_the_list_of_models_is_filtered_by_task(client: httpx.Client, error_of: ErrorOf) -> None:
    assert client.get("/v1/models?task=translate").json()["data"] == []
    assert [model["id"] for model in client.get("/v1/models?task=transcribe").json()["data"]] == ["here"]
    assert error_of(client.get("/v1/models?task=sing"), 400)["param"] == "task"


def test_the_files_of_each_model_are_looked_for_once(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    state = Store.state

    def counted(store: Store, model: Model) -> Any:
        looked.append(model.id)
        return state(store, model)

    monkeypatch.setattr(Store, "state", counted)
    assert len(entries(client)) == 3
    assert sorted(looked) == ["away", "away", "here", "here", "org/away"], "once more for the default"


@pytest.mark.parametrize(
    ("task", "ids"),
    [
        ("transcribe", ["fake"]),
        ("diarize", ["fake-diarizer"]),
        ("speaker-diarization", ["fake-diarizer"]),
        ("vad", ["fake-detector"]),
        ("voice-activity-detection", ["fake-detector"]),
    ],
)
def test_models_of_other_kinds_are_listed_if_they_are_asked_for(
    serve: Callable[..., Any], task: str, ids: list[str]
) -> None:
    plugins = plugins_of(Settings(), a=FakeBackend(), b=FakeDiarizer(), c=FakeDetector())
    with serve(plugins, preload=()).client() as client:
        assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["fake"]
        for route in ("models", "registry"):
            listed = client.get(f"/v1/{route}", params={"task": task}).json()["data"]
            assert [model["id"] for model in listed] == ids
        (shown,) = listed
        assert task in (*shown["tasks"], shown["task"])
        one = client.get(f"/v1/models/{ids[0]}").json()
        assert (one["id"], one["task"]) == (ids[0], shown["task"])


def test_a_download_and_its_end_are_seen(client: httpx.Client, hub: Hub) -> None:
    hub.stall("weights.bin")
    with client.stream("POST", "/v1/models?stream=true", json={"model": "away"}):
        assert eventually(lambda: entries(client)["away"]["state"] == "downloading")

        def halfway() -> bool:
            progress = entries(client, state="downloading")["away"]["progress"]
            return bool(progress["completed"] == len(BYTES) // 2)

        assert eventually(halfway)
        assert entries(client)["away"]["progress"] == {
            "status": "downloading weights.bin",
            "total": len(BYTES),
            "completed": len(BYTES) // 2,
            "files": [{"name": "weights.bin", "total": len(BYTES), "completed": len(BYTES) // 2}],
        }
        assert client.delete("/v1/models/away").json()["note"] == "Its download was cancelled."
    assert entries(client)["away"]["state"] == "available"


def test_a_download_that_failed_is_seen_with_its_reason_until_it_succeeds(
    client: httpx.Client, hub: Hub
) -> None:
    hub.refuse("weights.bin", 404, times=1)
    assert client.post("/v1/models", json={"model": "away"}).status_code == 502
    found = entries(client, state="failed")["away"]
    assert found["reason"].startswith("Cannot fetch 'weights.bin': hf:owner/x@")
    assert client.post("/v1/models", json={"model": "away"}).status_code == 201
    assert (entries(client)["away"]["state"], entries(client)["away"]["reason"]) == ("installed", None)
