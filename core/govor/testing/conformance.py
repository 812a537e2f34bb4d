"""The suite that every backend must pass. Subclass it in the plugin's tests and name the plugin:

    from govor.testing import BackendConformance

    class TestEcho(BackendConformance):
        plugin = "echo"
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import SequenceMatcher
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from govor.models.catalogue import Catalogue, Model
from govor.models.store import Store
from govor.plugins import GROUP, Plugin, Plugins
from govor.settings import Settings
from govor.testing.faults import file_faults, name_faults, order_faults, segment_faults, spec_faults
from govor.testing.sound import hum, read_only, silence
from govor.types import SAMPLE_RATE, Audio, Backend, Feature, LongForm, ModelSpec, Options, Recognizer, Segment

HEAVY = frozenset(
    "ctranslate2 faster_whisper gigaam onnxruntime silero_vad tensorflow torch transformers".split()
)
"""Libraries for `Backend.load` alone to import: slow and large, and some abort where a CPU is too old."""

LISTING_SECONDS = 0.01
PATIENCE_SECONDS = 120.0

PROBE = """
import json, sys
from govor.testing.conformance import open_plugins
open_plugins(sys.argv[1], json.loads(sys.argv[2]))
print(json.dumps(sorted(sys.modules)))
"""


class BackendConformance:
    """What the core relies on, one test each. Every test of a loaded model runs for each of `models`."""

    plugin: ClassVar[str]
    """Name of the entry point."""
    settings: ClassVar[Mapping[str, Any]] = {}
    """The plugin's own table; results must not depend on chance with it."""
    models: ClassVar[Sequence[str] | None] = None
    """Ids to load; None: all whose files are in installed packages, or which have none."""
    device: ClassVar[str] = "cpu"

    def folder(self, spec: ModelSpec, root: Path) -> Path:
        """Return where the model's files lie, made in the empty folder `root`; skip where they are not here.

        Takes files from installed packages only, verified; override it for files from elsewhere.
        """
        store = Store(root, offline=True)
        model = next(model for model in _catalogue(self.plugin, self.settings) if model.spec.id == spec.id)
        if store.state(model) != "installed":
            pytest.skip(f"the files of '{spec.id}' are in no installed package")
        return store.install(model)

    def speech(self) -> Audio:
        """Return what the models are given: some seconds of a hum. Override it with real speech."""
        return hum(2.5)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each test that asks for a `model` once per model."""
        if "model" in metafunc.fixturenames:
            metafunc.parametrize("model", self._ids(), scope="class")

    def _ids(self) -> Sequence[str]:
        if self.models is not None:
            return self.models
        store = Store(Path(tempfile.gettempdir(), "no-models-here"), offline=True)
        catalogue = _catalogue(self.plugin, self.settings)
        return [model.spec.id for model in catalogue if store.state(model) == "installed"]

    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls) -> Plugin:
        """The plugin as the core has opened it."""
        found = open_plugins(cls.plugin, cls.settings)
        if not found:
            pytest.fail(_not_installed(cls.plugin))
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
        specs = {spec.id: spec for spec in backend.models()}
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
    def recognizer(cls, backend: Backend, spec: ModelSpec, files: Path) -> Iterator[Recognizer]:
        """The loaded model, shared by the tests."""
        recognizer = backend.load(spec, files, cls.device)
        yield recognizer
        recognizer.close()

    @pytest.fixture(scope="class")
    @classmethod
    def sounds(cls) -> list[Audio]:
        """Three arrays of different length: speech, silence, the first half of the speech."""
        speech = read_only(cls().speech())
        return [speech, silence(1.0), read_only(speech[: len(speech) // 2])]

    @pytest.fixture(scope="class")
    @classmethod
    def alone(cls, recognizer: Recognizer, sounds: list[Audio]) -> list[Segment]:
        """What the model answers to each of `sounds` by itself."""
        return [_only(recognizer.transcribe([sound], Options())) for sound in sounds]

    def test_the_entry_point_is_found(self) -> None:
        points = entry_points(group=GROUP, name=self.plugin)
        assert len(points) > 0, _not_installed(self.plugin)
        assert len(points) == 1, f"several installed packages have the entry point '{self.plugin}': {points}"

    def test_importing_it_and_listing_its_models_imports_no_heavy_library(self) -> None:
        command = [sys.executable, "-c", PROBE, self.plugin, json.dumps(dict(self.settings))]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no input
        assert ran.returncode == 0, ran.stderr
        heavy = HEAVY.intersection(json.loads(ran.stdout))
        assert not heavy, f"{', '.join(sorted(heavy))} came in: import it inside Backend.load"

    def test_the_core_knows_its_hooks_and_takes_it(self, opened: Plugin) -> None:
        assert opened.state == "ready", f"the core leaves the plugin out: {opened.reason}"
        assert "backend" in opened.hooks, "mark a function `backend(settings)` with @govor.hookimpl"

    def test_models_are_listed_within_10_ms(self, backend: Backend) -> None:
        seconds = min(_seconds_to_list(backend) for _ in range(5))
        assert seconds < LISTING_SECONDS, f"models() takes {seconds * 1000:.0f} ms: return ready-made data"

    def test_models_are_specs(self, backend: Backend) -> None:
        wrong = [spec for spec in backend.models() if not isinstance(spec, ModelSpec)]
        assert not wrong, f"models() must give govor.ModelSpec, not {wrong}"

    def test_names_are_unique(self, backend: Backend) -> None:
        _assert_none(name_faults(backend.models()))

    def test_models_are_described_in_terms_the_core_knows(self, backend: Backend) -> None:
        _assert_none([fault for spec in backend.models() for fault in spec_faults(spec)])

    def test_files_can_be_fetched_and_verified(self, backend: Backend) -> None:
        _assert_none([fault for spec in backend.models() for fault in file_faults(spec)])

    def test_load_gives_a_recognizer(self, recognizer: Recognizer) -> None:
        missing = [name for name in ("transcribe", "close") if not callable(getattr(recognizer, name, None))]
        assert not missing, f"what load() returns lacks the method {' and '.join(missing)}"
        parallel = getattr(recognizer, "parallel", None)
        assert isinstance(parallel, int), "what load() returns needs `parallel`: how many threads may call it"
        assert parallel >= 1, f"`parallel` is {parallel}: at least one thread must be allowed"

    def test_a_batch_gives_one_segment_per_array_in_order(
        self, recognizer: Recognizer, sounds: list[Audio], alone: list[Segment]
    ) -> None:
        segments = list(recognizer.transcribe(sounds, Options()))
        assert [type(segment) for segment in segments] == [Segment] * len(sounds), (
            f"transcribe() was given {len(sounds)} arrays and gave {segments}"
        )
        for place, segment in enumerate(segments):
            # Padding within a batch may change a letter, so the likest one counts, not an equal one.
            likeness = [_likeness(segment, other) for other in alone]
            assert likeness[place] == max(likeness), (
                f"array {place} of a batch gave {segment.text!r}; alone it gives {alone[place].text!r}"
            )

    def test_an_empty_batch_gives_an_empty_list(self, recognizer: Recognizer) -> None:
        segments = list(recognizer.transcribe([], Options()))
        assert segments == [], f"transcribe([]) gave {segments}"

    def test_the_arrays_are_left_as_they_were(self, recognizer: Recognizer, sounds: list[Audio]) -> None:
        before = [sound.copy() for sound in sounds]
        recognizer.transcribe(sounds, Options())
        same = [np.array_equal(*pair) for pair in zip(before, sounds, strict=True)]
        assert all(same), "transcribe() changed its input: others hold the same array, so work on a copy"

    def test_silence_is_answered_without_an_error(self, alone: list[Segment]) -> None:
        assert isinstance(alone[1].text, str), "silence must be a Segment with text ''"

    def test_a_single_sample_is_answered_without_an_error(self, recognizer: Recognizer) -> None:
        _only(recognizer.transcribe([silence(1 / SAMPLE_RATE)], Options()))

    def test_times_words_and_tokens_lie_within_the_array_and_in_order(
        self, recognizer: Recognizer, spec: ModelSpec, sounds: list[Audio]
    ) -> None:
        segment = _only(recognizer.transcribe(sounds[:1], _all_that(spec)))
        _assert_none(segment_faults(segment, len(sounds[0]) / SAMPLE_RATE))

    def test_what_its_features_promise_is_there(
        self, recognizer: Recognizer, spec: ModelSpec, sounds: list[Audio]
    ) -> None:
        segment = _only(recognizer.transcribe(sounds[:1], _all_that(spec)))
        promised = {
            Feature.WORDS: segment.words,
            Feature.LOGPROBS: segment.tokens,
            Feature.DETECT: segment.language,
        }
        absent = [name for name in promised if name in spec.features and promised[name] is None]
        assert not segment.text or not absent, f"the spec claims {absent}, but the segment has None there"

    def test_equal_input_gives_equal_text(
        self, recognizer: Recognizer, sounds: list[Audio], alone: list[Segment]
    ) -> None:
        again = _only(recognizer.transcribe(sounds[:1], Options()))
        assert again.text == alone[0].text, "two equal calls differ: where chance is a setting, switch it off"

    def test_calls_in_parallel_answer_as_calls_alone(
        self, recognizer: Recognizer, sounds: list[Audio], alone: list[Segment]
    ) -> None:
        start = threading.Barrier(recognizer.parallel)

        def call(number: int) -> str:
            start.wait(PATIENCE_SECONDS)
            return _only(recognizer.transcribe([sounds[number % len(sounds)]], Options())).text

        with ThreadPoolExecutor(recognizer.parallel) as threads:
            texts = list(threads.map(call, range(recognizer.parallel)))
        expected = [alone[number % len(alone)].text for number in range(recognizer.parallel)]
        assert texts == expected, "threads disturb each other: lower `parallel`, or share no state"

    def test_long_audio_can_be_windowed_and_given_up_midway(
        self, recognizer: Recognizer, sounds: list[Audio], alone: list[Segment]
    ) -> None:
        if not isinstance(recognizer, LongForm):
            pytest.skip(f"'{self.plugin}' leaves long audio to the core")
        segments = list(recognizer.transcribe_long(sounds[0], Options()))
        seconds = len(sounds[0]) / SAMPLE_RATE
        _assert_none(order_faults(segments))
        _assert_none([fault for segment in segments for fault in segment_faults(segment, seconds)])
        given_up = recognizer.transcribe_long(sounds[0], Options())
        next(given_up, None)
        assert hasattr(given_up, "close"), "transcribe_long must be a generator, for the core to end it early"
        given_up.close()
        after = _only(recognizer.transcribe(sounds[:1], Options()))
        assert after.text == alone[0].text, "after a generator was closed early, the model answers otherwise"

    def test_a_used_model_can_be_closed(self, backend: Backend, spec: ModelSpec, files: Path) -> None:
        recognizer = backend.load(spec, files, self.device)
        recognizer.transcribe([silence(0.5)], Options())
        recognizer.close()


def open_plugins(name: str, table: Mapping[str, Any]) -> list[Plugin]:
    """Open the installed plugins of this name, normally one, with this table of settings."""
    settings = Settings(plugins={name: dict(table)}, order=(), disable=(), require=())
    return list(Plugins(settings, entry_points(group=GROUP, name=name)))


def _catalogue(name: str, table: Mapping[str, Any]) -> list[Model]:
    return list(Catalogue(open_plugins(name, table), {}))


def _not_installed(name: str) -> str:
    return (
        f"no installed package has the entry point '{name}' in the group '{GROUP}': write "
        f'[project.entry-points.{GROUP}] {name} = "your_module" in pyproject.toml and run pip install -e .'
    )


def _seconds_to_list(backend: Backend) -> float:
    began = time.perf_counter()
    backend.models()
    return time.perf_counter() - began


def _all_that(spec: ModelSpec) -> Options:
    """Ask for words and log-probabilities where the model claims them, as the core does."""
    return Options(words=Feature.WORDS in spec.features, logprobs=Feature.LOGPROBS in spec.features)


def _only(segments: Sequence[Segment]) -> Segment:
    assert len(segments) == 1, f"transcribe() was given one array and gave {len(segments)} segments"
    return segments[0]


def _likeness(first: Segment, second: Segment) -> float:
    return SequenceMatcher(None, first.text, second.text).ratio()


def _assert_none(faults: Sequence[str]) -> None:
    assert not faults, "\n".join(faults)
