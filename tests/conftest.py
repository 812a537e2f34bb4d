"""Servers for the tests, the sample recordings, and settings without influence of the environment."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from govor.audio.decoding.processes import Decoders
from govor.audio.decoding.recording import Recording
from govor.cli.serve import lifecycle
from govor.contract.audio import Audio
from govor.plugins import Plugins
from govor.settings import Settings
from support.models.remembered import remember
from support.processes.answers import Answers
from support.processes.servers import Server, serving

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests/data"
COMPARED = ("api", "dialects", "operations", "diarization")
"""Folders of tests whose answers are compared with the document."""
RECORDINGS = ROOT.parent / "shared/audio"


def pytest_configure() -> None:
    """Let a terminated run end its processes, like an interrupted one.

    A shell makes its background processes ignore interrupts, and the tests' own processes would inherit that.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _no_foreign_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take GOVOR_* out of the environment and keep caches away from the user's."""
    saved = dict(os.environ)
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))
    for name in list(os.environ):
        if name.startswith("GOVOR_"):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(saved)


@pytest.fixture(autouse=True, scope="session")
def recorded_answers() -> Iterator[Answers]:
    """The answers of this process's servers."""
    answers = Answers()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "create_app", answers.recorded(lifecycle.create_app))
        yield answers


@pytest.fixture(autouse=True)
def answers(recorded_answers: Answers, request: pytest.FixtureRequest) -> Iterator[Answers]:
    """Fail a quick test of the API if a server has answered otherwise than its /openapi.json states."""
    yield recorded_answers
    folder = request.path.relative_to(ROOT).parts[1]
    if folder in COMPARED and not request.node.get_closest_marker("slow"):
        faults = recorded_answers.take_faults()
        assert not faults, "\n".join(faults)
    else:
        recorded_answers.forget()


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One models folder for the whole run: the embedded model is assembled once."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def decoders() -> Iterator[Decoders]:
    """Decoder processes for the whole run."""
    with closing(Decoders()) as running:
        yield running


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    """Put bytes into a file without a suffix."""

    def write(content: bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def decode(decoders: Decoders, write: Callable[[bytes], Path]) -> Callable[[bytes], Audio]:
    """Decode a recording, whole."""

    def decode(content: bytes) -> Audio:
        with Recording(write(content), decoders) as recording:
            return np.concatenate(list(recording.blocks()))

    return decode


@pytest.fixture
def serve(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start servers with settings; they end with the test."""
    running = []

    def start(plugins: Plugins | None = None, **settings: Any) -> Server:
        data_dir = tmp_path_factory.mktemp("data")
        context = serving(Settings(**{"models_dir": models_dir, "data_dir": data_dir, **settings}), plugins)
        running.append(context)
        return context.__enter__()

    yield start
    for context in reversed(running):
        context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def serve_remembering(
    models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[Server]]:
    """Serve with all installed plugins; whisper-base computes each answer once a run, in all such servers."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    whisper = {"temperature_fallback": False}  # the fallback's samples are random
    tables = {"whisper": whisper, "wyoming": {"port": 0}}

    def start(**settings: Any) -> AbstractContextManager[Server]:
        chosen = Settings(**{"models_dir": models_dir, "plugins": tables, **settings})
        return serving(chosen, remember(Plugins(chosen), shared / "answers"))

    return start


@pytest.fixture(scope="session")
def server(serve_remembering: Callable[..., AbstractContextManager[Server]]) -> Iterator[Server]:
    """The server that most tests share: all installed plugins, whisper-base as default, no key."""
    with serve_remembering() as shared:
        yield shared


@pytest.fixture(scope="session")
def transcripts() -> dict[str, dict[str, str]]:
    """The texts of the recordings in tests/data, by file name."""
    return json.loads((DATA / "transcripts.json").read_text(encoding="utf-8"))


@pytest.fixture
def recording() -> Callable[[str], Path]:
    """Return a real recording; skip the test if the folder is absent."""

    def find(name: str) -> Path:
        path = RECORDINGS / name
        if not path.is_file():
            pytest.skip(f"the recording {name} is not on this machine")
        return path

    return find


@pytest.fixture
def free_port() -> int:
    """A port that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of the project's own recordings."""
    return DATA


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT
