"""A models folder, and a hub to fill it from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from govor.models.catalogue import Model
from govor.models.store import Store
from hub_standin import Hub, standing_in
from small_models import BYTES, file_of, model_of


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """The hub that this process asks."""
    with standing_in(tmp_path / "hub-cache") as hub:
        yield hub


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
    """Publish files on the hub, named for the keywords, and return the model that consists of them."""

    def publish(**contents: bytes) -> Model:
        files = []
        for stem, content in (contents or {"weights": BYTES}).items():
            name = f"{stem}.bin"
            files.append(file_of(name, hub.put("owner/small", name, content), content=content))
        return model_of(*files)

    return publish
