"""The subject of a conformance suite: one installed plugin, its models loaded one by one, audio for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import pytest

from govor.contract.audio import Audio
from govor.contract.backends import Backend
from govor.contract.models import ModelSpec, RuntimeOptions
from govor.contract.recognizers import Capability, Recognizer
from govor.contract.results import Segment
from govor.contract.streaming import Streaming
from govor.models.catalogue import Catalogue, Model
from govor.models.files.store import Store
from govor.plugins import GROUP, Plugin, Plugins
from govor.settings import Settings
from govor.testing.rehearsal import ALONE, LOAD, Play, Rehearsal, rehearse
from govor.testing.sound import hum, read_only, silence


class BackendSubject:
    """The part of a suite that its author fills in, and the fixtures made of it."""

    plugin: ClassVar[str]
    """Name of the entry point."""
    settings: ClassVar[Mapping[str, Any]] = {}
    """The plugin's own table. It must make the results reproducible."""
    models: ClassVar[Sequence[str] | None] = None
    """Ids to load; None: all that have no files, or have them in installed packages."""
    device: ClassVar[str] = "cpu"
    stage_seconds: ClassVar[float] = 600.0
    """Seconds after which loading, or one call, counts as hanging."""

    def folder(self, spec: ModelSpec, root: Path) -> Path:
        """Return the folder of the model's files; make them in the empty folder `root`, or skip the test.

        Uses files from installed packages, or those that `govor pull` has fetched. Override it for files from
        elsewhere.
        """
        model = next(model for model in _models(self.plugin, self.settings) if model.spec.id == spec.id)
        for place in (root, Settings().models_dir):
            store = Store(place, offline=True)
            if store.state(model) == "installed":
                return store.install(model)
        pytest.skip(
            f"the files of '{spec.id}' are in no installed package, nor fetched: "
            f"run `govor pull {spec.id}`, or override `folder`"
        )

    def speech(self) -> Audio:
        """Return some seconds of audio for the models: a hum. Override it with real speech."""
        return hum(2.5)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each test that needs a loaded model once per model."""
        if "model" in metafunc.fixturenames:
            metafunc.parametrize("model", self._ids(), scope="class")

    def _ids(self) -> Sequence[str]:
        if self.models is not None:
            return self.models
        nothing_fetched = Store(Path(tempfile.gettempdir(), "no-models-here"), offline=True)
        known = _models(self.plugin, self.settings)
        return [model.spec.id for model in known if nothing_fetched.state(model) == "installed"]

    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls) -> Plugin:
        """The plugin as the core has opened it."""
        found = open_plugins(cls.plugin, cls.settings)
        if not found:
            pytest.fail(not_installed(cls.plugin))
        return found[0]

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, opened: Plugin) -> Backend:
        """The plugin's model family."""
        if opened.backend is None:
            pytest.fail(f"the plugin gives no backend: {opened.reason or 'it has no hook `backend`'}")
        return opened.backend

    @pytest.fixture(scope="class")
    @classmethod
    def spec(cls, backend: Backend, model: str) -> ModelSpec:
        """The model under test."""
        specs = {spec.id: spec.in_precision("auto") for spec in backend.models()}
        if model not in specs:
            pytest.fail(f"models() gives no '{model}'; it gives {', '.join(specs)}")
        return specs[model]

    @pytest.fixture(scope="class")
    @classmethod
    def files(cls, spec: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The folder with the model's files."""
        return cls().folder(spec, tmp_path_factory.mktemp("models"))

    @pytest.fixture(scope="class")
    @classmethod
    def rehearsal(
        cls, spec: ModelSpec, files: Path, sounds: list[Audio], tmp_path_factory: pytest.TempPathFactory
    ) -> Rehearsal:
        """The results of all calls, made once each in a process of its own."""
        folder = str(tmp_path_factory.mktemp("rehearsal"))
        table = dict(cls.settings)
        play = Play(
            cls.plugin, table, spec.id, cls.device, str(files), folder, stage_seconds=cls.stage_seconds
        )
        return rehearse(play, sounds)

    @pytest.fixture(scope="class")
    @classmethod
    def recognizer(
        cls, backend: Backend, spec: ModelSpec, files: Path, rehearsal: Rehearsal
    ) -> Iterator[Recognizer | Streaming]:
        """The model, loaded in this process and shared by the tests."""
        if rehearsal.fault(LOAD) or rehearsal.crashed:
            pytest.skip("it cannot be loaded, or its native code crashes: another test says so")
        recognizer = backend.load(spec, files, RuntimeOptions(cls.device))
        yield recognizer
        recognizer.close()

    @pytest.fixture(scope="class")
    @classmethod
    def streamed(cls, recognizer: Recognizer | Streaming, rehearsal: Rehearsal) -> Rehearsal:
        """The results of all calls of a model that streams."""
        if Capability.STREAM not in recognizer.info.capabilities:
            pytest.skip(f"'{cls.plugin}' does not stream")
        return rehearsal

    @pytest.fixture(scope="class")
    @classmethod
    def sounds(cls) -> list[Audio]:
        """Three arrays of different length: speech, silence, the first half of the speech."""
        speech = read_only(cls().speech())
        return [speech, silence(1.0), read_only(speech[: len(speech) // 2])]

    @pytest.fixture(scope="class")
    @classmethod
    def alone(cls, rehearsal: Rehearsal) -> list[str]:
        """The model's text for each of `sounds` alone."""
        if any(map(rehearsal.fault, ALONE)):
            pytest.skip("it does not answer one array alone: another test says so")
        return [text_of(rehearsal.outcomes[name].arrays[0]) for name in ALONE]

    @pytest.fixture(scope="class")
    @classmethod
    def detailed(cls, rehearsal: Rehearsal) -> Sequence[Segment]:
        """The segments of the speech, with words and log-probabilities if the model claims them."""
        if rehearsal.fault("details"):
            pytest.skip("it does not answer with details: another test says so")
        return rehearsal.outcomes["details"].arrays[0]


def text_of(segments: Iterable[Segment]) -> str:
    """Return the joined text of an array's segments."""
    return " ".join(segment.text for segment in segments)


def open_plugins(name: str, table: Mapping[str, Any]) -> list[Plugin]:
    """Open the installed plugins of this name, normally one, with this table and no other settings."""
    settings = Settings.model_construct(plugins={name: dict(table)})
    return list(Plugins(settings, entry_points(group=GROUP, name=name)))


def not_installed(name: str) -> str:
    """Return a sentence on how a plugin gets its entry point."""
    return (
        f"no installed package has the entry point '{name}' in the group '{GROUP}': write "
        f'[project.entry-points.{GROUP}] {name} = "your_module" in pyproject.toml and run pip install -e .'
    )


def _models(name: str, table: Mapping[str, Any]) -> list[Model]:
    return list(Catalogue(open_plugins(name, table), {}))
