"""Loading, unloading, reloading and /api/ps over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor.contract.models import ModelSpec
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeRecognizer, hum, plugins_of
from support.memories import Family, Memory
from support.sound import media
from support.waiting import eventually

SPOKEN = media.wav(hum(1.0))


@pytest.fixture
def family() -> Family:
    return Family(Memory(), sizes={"a": 100, "b": 100, "owner/c": 100})


@pytest.fixture
def start(serve: Callable[..., Any], family: Family) -> Callable[..., httpx.Client]:
    """Start a server of the family; return a client of it."""

    def begin(**settings: Any) -> httpx.Client:
        plugins = plugins_of(Settings(), family=family, vad=FakeDetector())
        server = serve(plugins, preload=(), default_models=("a",), **settings)
        server.service.pool.probe.read = lambda: family.memory.bytes
        return server.client()

    return begin


def ps(client: httpx.Client) -> list[tuple[str, str]]:
    return [(item["id"], item["status"]) for item in residents(client)]


def residents(client: httpx.Client) -> list[dict[str, Any]]:
    """The models of the family that are in memory: beside them is the voice detector."""
    return [item for item in client.get("/api/ps").json()["data"] if item["backend"] == "family"]


def happened(client: httpx.Client) -> list[dict[str, Any]]:
    """The events of the models of the family."""
    return [event for event in client.get("/api/ps").json()["events"] if event["model"] != "fake-detector"]


def transcribe(client: httpx.Client, model: str) -> httpx.Response:
    return client.post("/v1/audio/transcriptions", files={"file": ("a.wav", SPOKEN)}, data={"model": model})


def test_a_model_is_loaded_and_unloaded(start: Callable[..., httpx.Client]) -> None:
    with start() as client:
        answer = client.post("/v1/models/a/load")
        assert (answer.status_code, answer.json()["status"]) == (200, "loaded")
        assert answer.json()["memory"] == 100_000_000
        assert answer.json()["loaded_at"] > 0
        assert ps(client) == [("a", "loaded")]
        assert client.post("/v1/models/a/unload").json()["status"] == "installed"
        assert client.post("/v1/models/a/unload").status_code == 200
        assert ps(client) == []


@pytest.mark.parametrize("name", ["owner/c", "owner%2Fc", "family/owner/c"])
def test_a_name_with_slashes_is_understood(start: Callable[..., httpx.Client], name: str) -> None:
    with start() as client:
        assert client.post(f"/v1/models/{name}/load").json()["id"] == "owner/c"
        assert client.get("/api/ps").json()["models"] == ["owner/c"]
        assert client.delete(f"/api/ps/{name}").status_code == 204


def test_a_slash_at_the_end_belongs_to_no_name(start: Callable[..., httpx.Client]) -> None:
    with start() as client:
        assert client.post("/v1/models/owner/c/load/").json()["status"] == "loaded"
        assert client.post("/v1/models/owner/c/").json()["id"] == "owner/c"
        assert client.delete("/api/ps/owner/c/").status_code == 204


def test_the_way_of_speaches(start: Callable[..., httpx.Client]) -> None:
    with start() as client:
        assert client.post("/api/ps/a").status_code == 201
        again = client.post("/api/ps/a")
        assert (again.status_code, again.json()["error"]["code"]) == (409, "already_loaded")
        assert client.get("/api/ps").json()["models"] == ["a"]
        answer = client.delete("/api/ps/a")
        assert (answer.status_code, answer.content) == (204, b"")
        gone = client.delete("/api/ps/a")
        assert gone.status_code == 404
        assert gone.json()["error"]["message"] == "The model 'a' is not in memory. Available: none."
        assert client.delete("/api/ps/nonsense").json()["error"]["code"] == "model_not_found"


def test_what_is_said_at_the_load_holds(start: Callable[..., httpx.Client], family: Family) -> None:
    with start() as client:
        said = {"device": "cuda:1", "precision": "fp16", "threads": 2, "workers": 3, "ttl": 60, "pin": True}
        client.post("/v1/models/a/load", json=said)
        (resident,) = residents(client)
        assert (resident["device"], resident["precision"]) == ("cuda:1", "fp16")
        assert (resident["ttl"], resident["pinned"], resident["expires_at"]) == (60, True, None)
        client.post("/v1/models/a/load", json={"pin": False})
        (resident,) = residents(client)
        assert resident["expires_at"] == pytest.approx(resident["used_at"] + 60)
    ((_, _, runtime),) = family.loads
    assert (runtime.threads, runtime.workers) == (2, 3)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"ttl": -2}', "ttl"),
        ('{"colour": "red"}', "colour"),
        ('{"\\ud800": 1}', "?"),
        ("{", None),
        ("[]", None),
        ('{"threads": "x"}', "threads"),
    ],
)
def test_what_cannot_be_said_is_refused(
    start: Callable[..., httpx.Client], body: str, field: str | None
) -> None:
    with start() as client:
        for verb in ("load", "reload"):
            error = client.post(f"/v1/models/a/{verb}", content=body)
            assert error.status_code == 400
            assert error.json()["error"]["param"] == field
        assert client.post("/v1/models/a/unload?force=perhaps").json()["error"]["param"] == "force"
        assert client.post("/v1/models/nonsense/load").status_code == 404


def test_a_model_in_use_is_unloaded_by_force_only(serve: Callable[..., Any]) -> None:
    gate = threading.Event()
    backend = FakeBackend("a", recognizer=lambda spec: FakeRecognizer(spec, gate=gate))
    server = serve(plugins_of(Settings(), family=backend, vad=FakeDetector()), preload=())
    with server.client() as client, ThreadPoolExecutor(2) as threads:
        answer = threads.submit(transcribe, client, "a")
        assert eventually(lambda: bool(backend.loaded) and backend.loaded["a"].begun.acquire(blocking=False))
        busy = client.post("/v1/models/a/unload")
        assert (busy.status_code, busy.json()["error"]["code"]) == (409, "model_busy")
        assert busy.headers["x-should-retry"] == "false"
        assert residents(client)[0]["requests"] == 1
        forced = threads.submit(client.post, "/v1/models/a/unload", params={"force": "true"})
        assert eventually(lambda: ps(client) == [("a", "unloading")])
        gate.set()
        assert forced.result().status_code == 200
        assert answer.result().status_code in (200, 503)
        assert backend.loaded["a"].closed == 1


def test_a_reload_with_other_settings(start: Callable[..., httpx.Client], family: Family) -> None:
    with start() as client:
        assert transcribe(client, "a").status_code == 200
        assert client.post("/v1/models/a/reload", json={"precision": "int8"}).json()["precision"] == "int8"
        assert transcribe(client, "a").status_code == 200
        assert [event["event"] for event in happened(client)] == ["loaded", "reloaded"]
        family.failure = OSError("a bad sector")
        failed = client.post("/v1/models/a/reload", json={"precision": "fp16"})
        assert (failed.status_code, failed.json()["error"]["code"]) == (503, "backend_unavailable")
        assert client.get("/v1/models/a").json()["precision"] == "int8"
        assert transcribe(client, "a").status_code == 200
        family.failure = None
        assert client.post("/v1/models/a/reload").json()["precision"] == "int8", "what failed is not kept"


def test_the_budget_evicts_and_refuses(start: Callable[..., httpx.Client]) -> None:
    with start(memory_budget="150MB") as client:
        for name in "aba":
            assert transcribe(client, name).status_code == 200
        body = client.get("/api/ps").json()
        assert body["models"] == ["a"]
        assert body["memory"]["budget"] == 150_000_000
        assert body["memory"]["used"] == 100_000_000
        evicted = [
            (event["model"], event["reason"]) for event in body["events"] if event["event"] == "evicted"
        ]
        assert evicted == [("a", "to make room for 'b'"), ("b", "to make room for 'a'")]
        client.post("/v1/models/a/load", json={"pin": True})
        refused = transcribe(client, "b")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "insufficient_memory")
        assert "'a' 100 MB (pinned)" in refused.json()["error"]["message"]


def test_the_tables_of_plugins_toml_rule_each_model(
    serve: Callable[..., Any], family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from govor.settings import load_settings

    config = tmp_path / "plugins.toml"
    config.write_text(
        'preload = []\nttl = 30\n[models.a]\nprecision = "fp32"\npreload = true\n'
        '[models."owner/c"]\ndevice = "cuda"\nthreads = 1\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("GOVOR_MODELS__OWNER_C__THREADS", "4")
    monkeypatch.setenv("GOVOR_MODELS__OWNER_C__TTL", "0")
    settings = load_settings(config)
    server = serve(
        plugins_of(settings, family=family),
        **{name: getattr(settings, name) for name in settings.model_fields_set},
    )
    load_settings = server.service.pool.load_settings
    assert eventually(lambda: [name for name, _, _ in family.loads] == ["a"])
    assert family.loads[0][2].precision == "fp32"
    found = load_settings.of(family_model(server, "owner/c"))
    assert (found.runtime.device, found.runtime.threads, found.ttl) == ("cuda", 4, 0)
    assert load_settings.of(family_model(server, "b")).ttl == 30


def family_model(server: Any, name: str) -> Any:
    return server.service.catalogue.find(name)


def test_a_missing_device_is_told_at_the_load_and_kept_as_the_reason(serve: Callable[..., Any]) -> None:
    tables = {"whisper-base": {"device": "cuda:7"}}
    server = serve(preload=(), models=tables)
    with server.client() as client:
        failed = client.post("/v1/models/whisper-base/load")
        assert (failed.status_code, failed.json()["error"]["code"]) == (503, "backend_unavailable")
        assert "There is no device 'cuda:7'" in failed.json()["error"]["message"]
        body = client.get("/v1/models/whisper-base").json()
        assert body["status"] == "failed"
        assert "cuda:7" in body["reason"]


def test_a_specs_memory_is_shown_where_it_cannot_be_measured(serve: Callable[..., Any]) -> None:
    backend = FakeBackend(ModelSpec("a", memory=7_000_000))
    server = serve(plugins_of(Settings(), family=backend), preload=())
    server.service.pool.probe.read = lambda: None
    with server.client() as client:
        client.post("/v1/models/a/load")
        (resident,) = residents(client)
    assert (resident["memory"], resident["measured"]) == (7_000_000, False)
