"""Small models of each class, from their repository on a hub to their first text over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("govor_transformers", reason="govor-transformers is not installed")

import govor_transformers
from govor import Options, RuntimeOptions
from govor.plugins import Plugins
from govor.settings import Settings
from govor.testing.sound import read_audio
from support.models.hub_standin import Hub, standing_in
from support.models.random_speech_models import BUILDERS

KINDS: dict[str, dict[str, Any]] = {
    "whisper": {"repository": "owner/whisper-small"},
    "moonshine": {"repository": "owner/moonshine-small", "languages": ["en"]},
    "wav2vec2": {"repository": "owner/wav2vec2-small"},
    "hubert": {"repository": "owner/hubert-small"},
    "mms": {"repository": "owner/mms-small", "adapters": {"ru": "rus"}},
    "voxtral": {"repository": "owner/Voxtral-small"},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The small models as their authors save them."""
    made = {kind: tmp_path_factory.mktemp("saved") / kind for kind in BUILDERS}
    for kind, folder in made.items():
        folder.mkdir()
        BUILDERS[kind](folder)
    return made


@pytest.fixture
def hub(folders: dict[str, Path], tmp_path: Path) -> Iterator[Hub]:
    """A hub with a repository of each, which also holds files that are not needed."""
    with standing_in(tmp_path / "hub-cache") as hub:
        for kind, folder in folders.items():
            repository = KINDS[kind]["repository"]
            for path in folder.iterdir():
                hub.put(repository, path.name, path.read_bytes(), large=path.suffix == ".safetensors")
            hub.put(repository, "pytorch_model.bin", b"a pickle")
            hub.put(repository, "README.md", b"read", large=False)
        hub.put("owner/pickles", "config.json", b"{}", large=False)
        hub.put("owner/pickles", "preprocessor_config.json", b"{}", large=False)
        hub.put("owner/pickles", "pytorch_model.bin", b"a pickle")
        yield hub


def test_models_of_the_plugins_table_are_pulled_and_answer(
    hub: Hub, folders: dict[str, Path], serve: Callable[..., Any], samples: Path, tmp_path: Path
) -> None:
    tables = [{"id": kind, **table} for kind, table in KINDS.items()]
    server = serve(
        Plugins(Settings(plugins={"transformers": {"models": tables}})),
        models_dir=tmp_path / "models",
        device="cpu",
        preload=(),
    )
    family = govor_transformers.backend({"models": tables})
    speech = read_audio(samples / "ru_short.wav")
    with server.client() as client:
        for kind in KINDS:
            events = client.post("/v1/models?stream=true", json={"model": kind}).text
            assert '"status":"success"' in events.replace(" ", "") or "completed" in events, events
            entry = next(one for one in client.get("/v1/registry").json()["data"] if one["id"] == kind)
            assert (entry["state"], entry["backend"]) == ("installed", "transformers"), events
    for kind in KINDS:
        answer = server.post(samples / "ru_short.wav", model=kind)
        assert answer.status_code == 200, answer.text
        spec = next(spec for spec in family.models() if spec.id == kind)
        recognizer = family.load(spec, folders[kind], RuntimeOptions("cpu"))
        assert recognizer.transcribe([speech], Options())[0]
        assert answer.json()["text"], kind
    assert (hub.fetched("pytorch_model.bin"), hub.fetched("README.md")) == (0, 0)
    assert hub.fetched("adapter.eng.safetensors") == 0


def test_a_repository_is_pulled_by_name_and_one_of_pickles_is_refused_with_the_reason(
    hub: Hub, serve: Callable[..., Any], samples: Path, tmp_path: Path
) -> None:
    server = serve(
        models_dir=tmp_path / "models", data_dir=tmp_path / "data", download="any", preload=(), device="cpu"
    )
    with server.client() as client:
        refused = client.post("/v1/models", json={"model": "owner/pickles"})
        assert refused.status_code == 400, refused.text
        assert "its weights are pickles only (pytorch_model.bin)" in refused.json()["error"]["message"]
        pulled = client.post("/v1/models", json={"model": "owner/hubert-small"})
        assert pulled.status_code in {200, 201}, pulled.text
    asked = {"response_format": "verbose_json", "timestamp_granularities[]": "word"}
    answer = server.post(samples / "ru_short.wav", model="owner/hubert-small", **asked).json()
    assert answer["text"]
    assert answer["words"]
