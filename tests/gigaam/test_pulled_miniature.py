"""A trained GigaAM model, from its repository on a hub to its first text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from govor import Segment
from govor.plugins import Plugins
from govor.settings import Settings
from miniature.halves import widen_folder
from miniature.heldout import FOLDER, HeldOut
from support.models.hub_standin import standing_in

MINIATURE = Path(__file__).parents[1] / "miniature/models/v3_rnnt"


def test_a_repository_of_plugins_toml_is_pulled_and_transcribes(
    serve: Callable[..., Any], heard: Callable[..., list[Segment]], heldout: list[HeldOut], tmp_path: Path
) -> None:
    widen_folder(MINIATURE, tmp_path / "export")
    with standing_in(tmp_path / "hub-cache") as hub:
        for path in sorted((tmp_path / "export").iterdir()):
            hub.put("owner/miniature", path.name, path.read_bytes(), large=path.suffix == ".onnx")
        hub.put("owner/miniature", "README.md", b"read", large=False)
        server = serve(
            Plugins(Settings(plugins={"gigaam-onnx": {"precision": "fp32"}})),
            models_dir=tmp_path / "models",
            catalogue=[{"id": "mine", "plugin": "gigaam-onnx", "repository": "owner/miniature"}],
            preload=(),
        )
        with server.client() as client:
            assert client.get("/v1/models/mine").status_code == 404
            events = client.post("/v1/models?stream=true", json={"model": "mine"}).text
            entry = next(one for one in client.get("/v1/registry").json()["data"] if one["id"] == "mine")
            assert client.post("/v1/models/mine/verify").json()["ok"] is True
        assert f'"completed":{entry["size"]}}}' in events.splitlines()[-5]
        assert (entry["state"], entry["languages"], entry["backend"]) == ("installed", ["ru"], "gigaam-onnx")
        assert hub.fetched("README.md") == 0
        assert hub.sent.total() == entry["size"]
    assert heldout[0].file is not None
    recording = FOLDER / heldout[0].file
    assert server.post(recording, model="mine").json()["text"] == heard("onnx", "v3_rnnt", "fp32")[0].text
