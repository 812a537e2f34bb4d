"""Folders without write permission: an error at the start, 507 and /ready while the server runs."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from govor.engine.folders import PROBE_BYTES, Folders, hub_cache, refusal
from govor.errors import ConfigurationError
from govor.models.files.store import Store
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, hum, plugins_of
from support.disks import cramped
from support.models.small_models import file_of, model_of
from support.sound import media
from support.waiting import eventually

URL = "/v1/audio/transcriptions"
VOICE = media.wav(hum(1))


@pytest.fixture
def no_folder(tmp_path: Path) -> Path:
    """A path at which no user can create a folder."""
    (tmp_path / "file").write_text("somebody's")
    return tmp_path / "file/folder"


def folders(settings: Settings, wanted: Any = None) -> Folders:
    return Folders(settings, Store(settings.models_dir, offline=True), lambda: wanted)


def test_good_folders_are_not_mentioned_and_nothing_is_left_behind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spool = tmp_path / "spool"
    spool.mkdir()
    settings = Settings(spool_dir=spool, models_dir=tmp_path / "models", data_dir=tmp_path / "data")
    folders(settings.model_copy(update={"offline": True})).check()
    assert caplog.messages == []
    assert [path.name for path in tmp_path.rglob("*")] == ["spool"]


def test_uploads_that_cannot_be_kept_keep_the_server_from_starting(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    settings = Settings(spool_dir=tmp_path / "spool", models_dir=tmp_path)
    (tmp_path / "spool").rmdir()
    with pytest.raises(ConfigurationError, match=r"spool: No such file or directory\. Set spool_dir to"):
        folders(settings).check()


def test_no_temporary_folder_at_all_is_reported_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", refuse)
    with pytest.raises(ConfigurationError, match="there is no folder for temporary files"):
        folders(Settings(models_dir=tmp_path)).check()


def test_other_folders_are_warned_of_one_sentence_each(
    tmp_path: Path, no_folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("HF_HOME", str(no_folder))
    folders(Settings(spool_dir=tmp_path, models_dir=no_folder, data_dir=no_folder)).check()
    assert [(record.levelname, record.getMessage().split(" ")[0]) for record in caplog.records] == [
        ("WARNING", "Models"),
        ("WARNING", "Jobs"),
        ("INFO", "The"),
    ]
    for setting in ("models_dir", "data_dir", "HF_HOME"):
        assert setting in caplog.text
    caplog.clear()
    folders(
        Settings(spool_dir=tmp_path, models_dir=tmp_path, data_dir=no_folder, jobs_limit=0, offline=True)
    ).check()
    assert caplog.messages == []


def test_a_full_disk_is_seen(tmp_path: Path) -> None:
    assert refusal(tmp_path) == ""
    with cramped(PROBE_BYTES // 2):
        assert refusal(tmp_path) == "File too large"
    assert list(tmp_path.iterdir()) == []


def test_the_hubs_cache_is_where_its_client_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert hub_cache() == Path.home() / ".cache/huggingface/hub"
    monkeypatch.setenv("HF_HOME", "/h")
    assert hub_cache() == Path("/h/hub")
    monkeypatch.setenv("HF_HUB_CACHE", "/c")
    assert hub_cache() == Path("/c")
    assert constants.HF_HUB_CACHE.endswith("hub")


@pytest.fixture
def start(serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Start a server of one fake model that is ready."""
    monkeypatch.setattr("govor.engine.folders.LOOK_SECONDS", 0.0)

    def start(**settings: Any) -> Any:
        plugins = plugins_of(Settings(), family=FakeBackend("small"), detector=FakeDetector())
        server = serve(plugins, default_models=("small",), **settings)
        assert eventually(lambda: ready(server)["ready"])
        return server

    return start


def ready(server: Any) -> dict[str, Any]:
    with server.client() as client:
        response = client.get("/ready")
    body: dict[str, Any] = response.json()
    assert (response.status_code == 200) == body["ready"]
    return body


def hand_in(client: httpx.Client) -> httpx.Response:
    return client.post(URL, files={"file": ("a.wav", VOICE)}, data={"background": "true"})


@pytest.mark.parametrize("path", [URL, "/v1/transcribe", "/inference"])
def test_a_spool_folder_that_vanishes_is_507_and_not_ready_until_it_is_back(
    start: Callable[..., Any], tmp_path: Path, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    server = start(spool_dir=spool)
    shutil.rmtree(spool)
    with server.client() as client:
        if path == "/v1/transcribe":
            answer = client.post(path, content=VOICE)
        else:
            answer = client.post(path, files={"file": ("a.wav", VOICE)})
    assert (answer.status_code, "cannot be kept: No such file or directory" in answer.text) == (507, True)
    state = ready(server)
    assert (state["reason"], "Uploads cannot be kept: No such file" in state["message"]) == (
        "insufficient_storage",
        True,
    )
    spool.mkdir()
    assert "message" not in ready(server)
    assert server.post(VOICE).status_code == 200
    assert str(spool) not in str(state), "everybody may read it"
    assert str(spool) in caplog.text
    assert not any(record.exc_info for record in caplog.records)


def test_a_data_folder_that_cannot_be_made_turns_jobs_off_and_nothing_else(
    start: Callable[..., Any], no_folder: Path
) -> None:
    server = start(data_dir=no_folder)
    with server.client() as client:
        refused = hand_in(client)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "jobs_unavailable")
        assert server.post(VOICE).status_code == 200
    state = ready(server)
    assert (state["ready"], state["jobs"]) == (True, "The store of jobs cannot be opened; the log says why.")


def test_a_data_folder_that_may_not_be_looked_at_does_not_keep_the_server_from_starting(
    start: Callable[..., Any], no_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Path.is_file

    def refuse(path: Path) -> bool:
        if path.name == "jobs.db":
            raise PermissionError(13, "Permission denied")
        return looked(path)

    monkeypatch.setattr(Path, "is_file", refuse)
    server = start(data_dir=no_folder)
    assert server.post(VOICE).status_code == 200
    with server.client() as client:
        assert client.get("/v1/jobs").status_code == 503


def test_a_data_folder_that_vanishes_is_reported(start: Callable[..., Any], tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = start(data_dir=data)
    with server.client() as client:
        assert hand_in(client).status_code == 202
        assert eventually(lambda: list((data / "audio").iterdir()) == [])
        shutil.rmtree(data)
        assert hand_in(client).status_code == 507
    assert "The store of jobs is gone" in ready(server)["jobs"]
    assert server.post(VOICE).status_code == 200


def test_a_default_model_that_has_no_room_to_be_put_together_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(spool_dir=tmp_path, models_dir=tmp_path / "models")
    model = model_of(file_of("weights.bin", "package:nothing/here"))
    watched = Folders(settings, Store(settings.models_dir, offline=True), lambda: model, lambda: 0.0)
    monkeypatch.setattr("govor.engine.folders.LOOK_SECONDS", 0.0)
    asyncio.run(watched.look())
    assert watched.trouble == ""
    monkeypatch.setattr("shutil.disk_usage", lambda place: SimpleNamespace(free=1000))
    asyncio.run(watched.look())
    assert watched.trouble.endswith("model cannot be kept: 'small' takes 0 MB, and 0 MB are free.")
