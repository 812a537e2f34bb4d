"""Servers of the dialects' tests: Whisper base for all languages, a GigaAM miniature for Russian."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor.settings import Settings
from miniature import heldout
from miniature.halves import widen_folder
from miniature.heldout import HeldOut
from support.processes.servers import Server, serving

MINIATURES = Path(__file__).parents[1] / "miniature/models"


@pytest.fixture(scope="session")
def gigaam(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose default model is GigaAM's, with the ids of gigaam-openai-api-server."""
    folder = tmp_path_factory.mktemp("miniature")
    heads = ("v3_ctc", "v3_rnnt", "v3_e2e_ctc")
    for head in heads:
        widen_folder(MINIATURES / head, folder / head)
    own = [{"id": f"mini-{head}", "folder": str(folder / head)} for head in heads]
    settings = Settings(
        models_dir=models_dir,
        plugins={"gigaam-onnx": {"models": own}},
        default_models=("mini-v3_ctc",),
        aliases={head: f"mini-{head}" for head in heads},
    )
    with serving(settings) as server:
        yield server


@pytest.fixture(scope="session")
def spoken() -> HeldOut:
    """A Russian recording that the miniature was never trained on."""
    return heldout.recorded()[0]


@pytest.fixture
def recorded(spoken: HeldOut) -> bytes:
    """The bytes of that recording."""
    return (heldout.FOLDER / str(spoken.file)).read_bytes()


@pytest.fixture
def client(gigaam: Server) -> Iterator[httpx.Client]:
    """A client of the server of GigaAM."""
    with gigaam.client() as client:
        yield client


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    name: str
    data: str

    def json(self) -> Any:
        """Parse the data."""
        return json.loads(self.data)


def read_events(response: httpx.Response) -> list[Event]:
    """Parse an event stream, without its comments: a slow machine gets some that keep it open."""
    assert response.headers["content-type"].startswith("text/event-stream"), response.text
    found = []
    for block in response.text.split("\n\n"):
        fields = dict(line.partition(":")[::2] for line in block.splitlines())
        fields.pop("", None)  # no empty line follows a comment
        if fields:
            found.append(Event(fields.get("event", "").strip(), fields.get("data", "").strip()))
    return found


@pytest.fixture(scope="session")
def events() -> Callable[[httpx.Response], list[Event]]:
    """Read a response as events."""
    return read_events
