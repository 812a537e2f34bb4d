"""Small models of random weights, one of each class, in the operator's folders."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="govor-transformers is not installed")

import torch

import govor
import govor_transformers
from support.models.random_speech_models import BUILDERS

KINDS = {
    "whisper": {"family": "whisper"},
    "moonshine": {"family": "sequence", "languages": ["en"]},
    "wav2vec2": {"family": "ctc"},
    "hubert": {"family": "ctc", "languages": ["en"]},
    "mms": {"family": "ctc", "adapters": {"en": "eng", "ru": "rus"}},
    "voxtral": {"family": "voxtral"},
}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """On models this small, several threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """Make the folder of a small model, once a session."""
    made: dict[str, Path] = {}

    def make(kind):
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp(kind) / kind
            made[kind].mkdir()
            BUILDERS[kind](made[kind])
        return made[kind]

    return make


@pytest.fixture(scope="session")
def load(build):
    """Load a folder, by default that of a small model; `table` is the model's own."""
    loaded = []

    def load_one(kind, folder=None, runtime=None, **table):
        table = {"id": kind, "folder": str(folder or build(kind)), **KINDS.get(kind, {}), **table}
        family = govor_transformers.backend({"models": [table]})
        spec = next(spec for spec in family.models() if spec.id == kind)
        recognizer = family.load(spec, Path(table["folder"]), runtime or govor.RuntimeOptions("cpu"))
        loaded.append(recognizer)
        return recognizer

    yield load_one
    for recognizer in loaded:
        recognizer.close()


@pytest.fixture(scope="session")
def opened(load):
    """The small models, each loaded once."""
    known = {}

    def get(kind):
        if kind not in known:
            known[kind] = load(kind)
        return known[kind]

    return get
