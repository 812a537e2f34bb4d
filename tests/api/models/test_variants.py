"""One id for a model in several precisions: the API lists them, the operator's precision chooses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from govor.contract.models import ModelSpec, RuntimeOptions, Variant
from govor.settings import Settings
from govor.testing import FakeBackend, FakeRecognizer, plugins_of
from support.models.hub_standin import Hub
from support.models.small_models import BYTES, file_of

LARGE, SMALL = BYTES * 4, BYTES


class Family(FakeBackend):
    """Keeps the spec of every load."""

    def __init__(self, *specs: ModelSpec):
        super().__init__(*specs)
        self.asked: list[tuple[ModelSpec, list[str]]] = []

    def load(self, spec: ModelSpec, folder: Path, runtime: RuntimeOptions) -> FakeRecognizer:
        self.asked.append((spec, sorted(path.name for path in folder.glob("*.bin"))))
        return super().load(spec, folder, runtime)


@pytest.fixture
def pair(hub: Hub) -> Family:
    large = file_of("fp32.bin", hub.put("owner/x", "fp32.bin", LARGE), content=LARGE)
    small = file_of("int8.bin", hub.put("owner/x", "int8.bin", SMALL), content=SMALL)
    variants = (Variant("fp32", (large,), 400), Variant("int8", (small,), 100, 90))
    return Family(ModelSpec("speech", variants=variants))


def start(serve: Callable[..., Any], pair: Family, **settings: Any) -> Any:
    return serve(plugins_of(Settings(), family=pair), preload=(), default_models=("speech",), **settings)


def test_the_list_shows_each_precision_with_its_files_and_memory(
    serve: Callable[..., Any], pair: Family, tmp_path: Path
) -> None:
    server = start(serve, pair, models_dir=tmp_path / "models")
    with server.client() as client:
        (entry,) = client.get("/v1/registry").json()["data"]
    assert entry["variants"] == [
        {
            "precision": "fp32",
            "files": ["fp32.bin"],
            "size": len(LARGE),
            "size_estimate": None,
            "memory_estimate": 400,
        },
        {
            "precision": "int8",
            "files": ["int8.bin"],
            "size": len(SMALL),
            "size_estimate": 90,
            "memory_estimate": 100,
        },
    ]


@pytest.mark.parametrize(
    ("precision", "file", "memory"), [("auto", "fp32.bin", 400), ("int8", "int8.bin", 100)]
)
def test_only_the_files_of_the_operators_precision_are_fetched_and_loaded(
    serve: Callable[..., Any], pair: Family, tmp_path: Path, precision: str, file: str, memory: int
) -> None:
    tables = {"speech": {"precision": precision}}
    server = start(serve, pair, models_dir=tmp_path / "models", models=tables, auto_pull=True)
    with server.client() as client:
        assert client.post("/v1/models/speech/load").status_code == 200
        (shown,) = client.get("/v1/models").json()["data"]
    ((spec, files),) = pair.asked
    assert (files, spec.memory) == ([file], memory)
    assert [variant["files"] for variant in shown["variants"]] == [["fp32.bin"], ["int8.bin"]]
