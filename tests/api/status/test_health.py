"""/health, /ready and /v1/plugins: what probes and operators ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from govor import ModelFile, ModelSpec, __version__
from govor.engine.readiness import NotReady
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, plugins_of
from support.sound import media
from support.waiting import eventually

ONE = {"pool_available": 1, "pool_total": 1}
EMPTY = {"pool_available": 0, "pool_total": 0}


def ready(server: Any) -> tuple[int, dict[str, Any]]:
    """The status, and the body without its sentence."""
    status, body, _ = ready_and_why(server)
    return status, body


def ready_and_why(server: Any) -> tuple[int, dict[str, Any], str]:
    with server.client() as client:
        response = client.get("/ready")
    body = response.json()
    return response.status_code, body, body.pop("message", "")


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


BIG = ModelSpec("big", memory=200_000_000)
SMALL = ModelSpec("small", memory=1_000_000)


def agree(server: Any, reason: str) -> str:
    """Check that /ready and a request say the same, before and after the request; return the sentence."""

    def look() -> str:
        status, body, message = ready_and_why(server)
        assert (status, body.get("reason", "")) == (503 if reason else 200, reason)
        return message

    before = look()
    assert server.post(media.silence(1)).is_success == (not reason)
    assert look() == before
    return before


def test_a_default_that_exceeds_the_memory_budget_is_told_before_anybody_asks(
    serve: Callable[..., Any],
) -> None:
    plugins = plugins_of(Settings(), family=FakeBackend(BIG, SMALL))
    server = serve(plugins, default_models=("big",), preload=(), memory_budget=100_000_000)
    assert "'big' takes about 200 MB" in agree(server, "insufficient_memory")


def test_a_default_that_does_not_exist_is_told(serve: Callable[..., Any]) -> None:
    plugins = plugins_of(Settings(), family=FakeBackend("small"))
    message = agree(serve(plugins, default_models=("nosuch",)), "model_not_found")
    assert "'nosuch' of the setting `default_models` does not exist" in message


REMOTE = ModelSpec("remote", files=(ModelFile("weights", ("https://127.0.0.1:1/w",), 8, "0" * 64),))


def test_a_default_that_is_not_fetched_is_told(serve: Callable[..., Any]) -> None:
    plugins = plugins_of(Settings(), family=FakeBackend(REMOTE, "small"))
    message = agree(serve(plugins, default_models=("remote",), preload=()), "model_not_found")
    assert "`govor pull remote`" in message


def test_a_default_that_will_be_fetched_does_not_keep_a_server_from_being_ready_until_that_fails(
    serve: Callable[..., Any],
) -> None:
    plugins = plugins_of(Settings(), family=FakeBackend(REMOTE))
    server = serve(plugins, default_models=("remote",), preload=(), auto_pull=True, offline=True)
    assert ready(server)[0] == 200
    assert server.post(media.silence(1)).status_code == 502
    assert ready(server)[1]["reason"] == "model_failed"


def test_the_next_of_the_list_answers_where_the_first_is_not_here(serve: Callable[..., Any]) -> None:
    plugins = plugins_of(Settings(), family=FakeBackend(REMOTE, "small"))
    agree(serve(plugins, default_models=("remote", "small"), preload=()), "")


def test_where_the_language_chooses_one_model_that_fits_is_enough(serve: Callable[..., Any]) -> None:
    settings = {"default_models": ("auto",), "preload": (), "memory_budget": 100_000_000}
    plugins = plugins_of(Settings(), family=FakeBackend(BIG, SMALL))
    agree(serve(plugins, routing={"default": ("big", "small")}, **settings), "")
    agree(serve(plugins, routing={"default": ("big",)}, **settings), "insufficient_memory")


def test_what_readiness_tells_everybody_says_nothing_of_the_machine(serve: Callable[..., Any]) -> None:
    broken = FakeBackend("small", failure=OSError("no /opt/secret/libcudnn.so"))
    server = serve(plugins_of(Settings(), broken=broken), default_models=("small",), api_keys=("sk",))
    assert eventually(lambda: ready(server)[1].get("reason") == "model_failed")
    assert ready_and_why(server)[2] == "'small' could not be loaded; the log says why."


def test_a_model_that_loads_at_last_makes_the_server_ready(serve: Callable[..., Any]) -> None:
    broken = FakeBackend("small", failure=OSError("busy"))
    server = serve(plugins_of(Settings(), broken=broken), default_models=("small",))
    assert eventually(lambda: ready(server)[1].get("reason") == "model_failed")
    broken.failure = None
    with server.client() as client:
        assert client.post("/v1/models/small/load").status_code == 200
    assert ready(server)[0] == 200


def test_a_further_check_counts(serve: Callable[..., Any]) -> None:
    server = serve(plugins_of(Settings(), family=FakeBackend("small")), default_models=("small",), preload=())
    server.service.checks.append(lambda: NotReady("disk_full", "The disk is full."))
    _, body, message = ready_and_why(server)
    assert (body["reason"], message) == ("disk_full", "The disk is full.")


def test_only_the_preloaded_models_are_waited_for(serve: Callable[..., Any]) -> None:
    family, other = FakeBackend("small"), FakeBackend("large", gate=threading.Event())
    plugins = plugins_of(Settings(), family=family, other=other)
    server = serve(plugins, default_models=("small",), preload=("small", "unheard-of"))
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
    common = {
        "distribution": "",
        "version": "",
        "reason": "",
        "hooks": ["backend"],
        "state": "ready",
        "formats": [],
    }
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
