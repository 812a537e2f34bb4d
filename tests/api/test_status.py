"""/health, /ready and /v1/plugins: what probes and operators ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import media
from govor import __version__
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, plugins_of
from waiting import eventually

ONE = {"pool_available": 1, "pool_total": 1}
EMPTY = {"pool_available": 0, "pool_total": 0}


def ready(server: Any) -> tuple[int, dict[str, Any]]:
    with server.client() as client:
        response = client.get("/ready")
    return response.status_code, response.json()


def test_a_server_is_ready_once_its_models_are_loaded(serve: Callable[..., Any]) -> None:
    gate = threading.Event()
    family = FakeBackend("small", gate=gate)
    server = serve(plugins_of(Settings(), family=family), default_models=("small",))
    assert eventually(lambda: bool(family.loads))
    assert ready(server) == (503, {"ready": False, "status": "not_ready", "reason": "model_loading", **EMPTY})
    with server.client() as client:
        assert client.get("/v1/models/small").json()["status"] == "loading"
        assert client.get("/health").json()["loaded"] is False
        gate.set()
        assert eventually(lambda: ready(server) == (200, {"ready": True, "status": "ready", **ONE}))
        assert client.get("/v1/models/small").json()["status"] == "loaded"
        assert client.get("/health").json()["loaded"] is True


def test_a_server_without_a_model_is_never_ready(serve: Callable[..., Any]) -> None:
    server = serve(plugins_of(Settings(), detector=FakeDetector()))
    no_model = (503, {"ready": False, "status": "not_ready", "reason": "no_model", **EMPTY})
    assert eventually(lambda: ready(server) == no_model)


def test_a_server_whose_default_does_not_load_is_not_ready(serve: Callable[..., Any]) -> None:
    broken = FakeBackend("small", failure=OSError("no libcudnn.so"))
    server = serve(plugins_of(Settings(), broken=broken), default_models=("small",))
    assert eventually(lambda: ready(server)[1].get("reason") == "model_failed")


def test_only_the_preloaded_models_are_waited_for(serve: Callable[..., Any]) -> None:
    family, other = FakeBackend("small"), FakeBackend("large", gate=threading.Event())
    server = serve(plugins_of(Settings(), family=family, other=other), preload=("small", "unheard-of"))
    assert eventually(lambda: ready(server)[0] == 200)
    assert family.loads
    assert not other.loads


def test_health_tells_version_default_model_and_work_done(serve: Callable[..., Any]) -> None:
    server = serve(plugins_of(Settings(), family=FakeBackend("small")), default_models=("small",), preload=())
    with server.client() as client:
        before = client.get("/health").json()
        assert server.post(media.silence(1)).status_code == 200
        after = client.get("/health").json()
    assert before.pop("uptime_seconds") < after.pop("uptime_seconds")
    rest = {"status": "ok", "message": "OK", "version": __version__, "model": "small", "device": "auto"}
    idle = {"loaded": False, "model_loaded": False, "models_loaded": [], "transcriptions_processed": 0}
    used = {"loaded": True, "model_loaded": True, "models_loaded": ["small"], "transcriptions_processed": 1}
    assert before == {**rest, **idle}
    assert after == {**rest, **used}


def test_health_lives_without_any_model(serve: Callable[..., Any]) -> None:
    server = serve(plugins_of(Settings()))
    with server.client() as client:
        assert client.get("/health").json()["model"] is None


def test_plugins_are_told_with_what_became_of_them(serve: Callable[..., Any]) -> None:
    settings = Settings(order=("family",), disable=("unwanted",))
    plugins = plugins_of(
        settings,
        broken=ImportError("no libtorch.so"),
        family=FakeBackend("small", "large"),
        rival=FakeBackend("small"),
        unwanted=FakeBackend("other"),
    )
    with serve(plugins, preload=()).client() as client:
        answer = client.get("/v1/plugins").json()
    common = {"distribution": "", "version": "", "reason": "", "hooks": ["backend"], "state": "ready"}
    nothing = {**common, "hooks": [], "models": []}
    assert answer == {
        "object": "list",
        "data": [
            {**common, "name": "family", "models": ["small", "large"]},
            {**nothing, "name": "broken", "state": "failed", "reason": "ImportError: no libtorch.so"},
            {**common, "name": "rival", "models": ["rival/small"]},
            {**nothing, "name": "unwanted", "state": "disabled"},
        ],
    }


@pytest.mark.parametrize("path", ["/health", "/ready", "/v1/plugins", "/v1/models"])
def test_a_question_can_be_asked_by_head(server: Any, path: str) -> None:
    with server.client() as client:
        assert eventually(lambda: client.head(path).status_code == 200, 60)  # a busy machine loads slowly


def test_the_installed_plugins_are_told_with_their_distributions(server: Any, root: Path) -> None:
    with server.client() as client:
        plugins = {plugin["name"]: plugin for plugin in client.get("/v1/plugins").json()["data"]}
    assert plugins["whisper"]["distribution"] == "govor-whisper"
    assert plugins["silero"]["hooks"] == ["vad"]
    assert "whisper-base" in plugins["whisper"]["models"]


@pytest.mark.parametrize("path", ["/v1/health", "/api/v1/health", "/health/"])
def test_health_has_other_addresses(serve: Callable[..., Any], path: str) -> None:
    with serve(plugins_of(Settings()), api_keys=("secret",)).client() as client:
        assert client.get(path).json().keys() == client.get("/health").json().keys()
        assert client.head(path).status_code == 200
