"""A server with a small family of models, some of them on a hub."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from govor.contract.models import Feature, ModelSpec
from govor.settings import Settings
from govor.testing import FakeBackend, FakeDetector, FakeRecognizer, plugins_of
from support.models.hub_standin import Hub, standing_in
from support.models.small_models import BYTES, Adopter, file_of
from support.waiting import Turnstile

EVERY_CALL = 10_000


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """The hub that the server asks."""
    with standing_in(tmp_path / "hub-cache") as hub:
        yield hub


@pytest.fixture
def family(hub: Hub) -> Adopter:
    """A family of one model that is here, and two whose files are on the hub."""
    weights = file_of("weights.bin", hub.put("owner/x", "weights.bin", BYTES))
    words = file_of("words.bin", hub.put("owner/x", "words.bin", b"yes no"), content=b"yes no")
    features = frozenset({Feature.WORDS, Feature.PROMPT})
    here = ModelSpec("here", (), ("ru", "en"), ("Owner/here",), features, description="Is here")
    away = ModelSpec(
        "away", (weights,), aliases=("Owner/away",), memory=5, licence="MIT", wer=(("a set", 8.5),),
        features=frozenset({Feature.TRANSLATE}), languages=("kk",),
    )  # fmt: skip
    return Adopter(here, away, ModelSpec("org/away", (words,)))


@pytest.fixture
def serve_family(serve: Callable[..., Any], family: Adopter, tmp_path: Path) -> Callable[..., Any]:
    """Start a server that has this family; settings as given."""

    def start(**settings: Any) -> Any:
        defaults = {
            "models_dir": tmp_path / "models",
            "default_models": ("away", "here"),
            "preload": (),
            "aliases": {"whisper-1": "default", "mine": "here"},
        }
        return serve(plugins_of(Settings(), family=family), **{**defaults, **settings})

    return start


@pytest.fixture
def serve_model(serve: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Start a server of one fake model, settings as given; all gates open when the test ends."""
    started: list[FakeRecognizer] = []

    def start(model: FakeRecognizer, **settings: Any) -> Any:
        started.append(model)
        backend = FakeBackend(model.spec, recognizer=lambda spec: model)
        plugins = plugins_of(Settings(), fake=backend, vad=FakeDetector())
        return serve(plugins, preload=(), **settings)

    yield start
    for model in started:
        if isinstance(model.gate, Turnstile):
            model.gate.open(EVERY_CALL)
        elif isinstance(model.gate, threading.Event):
            model.gate.set()


@pytest.fixture
def client(serve_family: Callable[..., Any]) -> Iterator[httpx.Client]:
    """A client of such a server."""
    with serve_family().client() as client:
        yield client


@pytest.fixture
def error_of() -> Callable[..., dict[str, Any]]:
    """Check the status of a response, and return its error."""

    def read(response: httpx.Response, status: int) -> dict[str, Any]:
        assert response.status_code == status, response.text
        return dict(response.json()["error"])

    return read
