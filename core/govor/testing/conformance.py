"""The suite that every backend must pass. Subclass it in the plugin's tests and name the plugin:

from govor.testing import BackendConformance

class TestEcho(BackendConformance):
    plugin = "echo"
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from difflib import SequenceMatcher
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

import pytest

from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.backends import Backend
from govor.contract.models import Feature, ModelSpec, RuntimeOptions
from govor.contract.recognizers import Capability, LanguageDetector, LongForm, Options, Recognizer
from govor.contract.results import Segment
from govor.contract.streaming import Streaming
from govor.errors import LoadFailed
from govor.plugins import GROUP, Plugin
from govor.testing.faults import (
    chance_faults,
    file_faults,
    name_faults,
    segments_faults,
    spec_faults,
    variant_faults,
)
from govor.testing.rehearsal import LOAD, Arrays, Rehearsal
from govor.testing.streams import STREAMED_ALONE
from govor.testing.subject import BackendSubject, not_installed, text_of

HEAVY = frozenset(
    {
        "ctranslate2",
        "faster_whisper",
        "gigaam",
        "onnxruntime",
        "silero_vad",
        "tensorflow",
        "torch",
        "transformers",
    }
)
"""Libraries that only `Backend.load` may import: slow and large, and some abort on an old CPU."""

LISTING_SECONDS = 0.01
NOWHERE = "cuda:99"

PROBE = """
import json, sys
from govor.testing.subject import open_plugins
open_plugins(sys.argv[1], json.loads(sys.argv[2]))
print(json.dumps(sorted(sys.modules)))
"""


class BackendConformance(BackendSubject):
    """The requirements of the core, one test each."""

    def test_the_entry_point_is_found(self) -> None:
        points = entry_points(group=GROUP, name=self.plugin)
        assert len(points) > 0, not_installed(self.plugin)
        assert len(points) == 1, f"several installed packages have the entry point '{self.plugin}': {points}"

    def test_importing_it_and_listing_its_models_imports_no_heavy_library(self) -> None:
        command = [sys.executable, "-c", PROBE, self.plugin, json.dumps(dict(self.settings))]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own code
        assert ran.returncode == 0, ran.stderr
        heavy = HEAVY.intersection(json.loads(ran.stdout))
        assert not heavy, f"{', '.join(sorted(heavy))} was imported: import it inside Backend.load"

    def test_the_core_knows_its_hooks_and_takes_it(self, opened: Plugin) -> None:
        assert opened.state == "ready", f"the core leaves the plugin out: {opened.reason}"
        assert "backend" in opened.hooks, "mark a function `backend(settings)` with @govor.hookimpl"

    def test_models_are_listed_within_10_ms(self, backend: Backend) -> None:
        seconds = min(_seconds_to_list(backend) for _ in range(5))
        assert seconds < LISTING_SECONDS, f"models() takes {seconds * 1000:.0f} ms: return ready-made data"

    def test_it_lists_models(self, backend: Backend) -> None:
        assert backend.models(), "models() is empty: the other tests have nothing to try"

    def test_names_are_unique(self, backend: Backend) -> None:
        _assert_none(name_faults(backend.models()))

    def test_models_are_described_in_terms_the_core_knows(self, backend: Backend) -> None:
        _assert_none([fault for spec in backend.models() for fault in spec_faults(spec)])
        _assert_none([fault for spec in backend.models() for fault in variant_faults(spec)])

    def test_files_can_be_fetched_and_verified(self, backend: Backend) -> None:
        _assert_none([fault for spec in backend.models() for fault in file_faults(spec)])

    def test_a_model_is_loaded(self, rehearsal: Rehearsal) -> None:
        _perform(rehearsal, LOAD)

    def test_where_it_runs_is_told_and_no_other_device_is_taken(
        self, backend: Backend, recognizer: Recognizer | Streaming, spec: ModelSpec, files: Path
    ) -> None:
        told = recognizer.info.runtime.device
        if told == "auto":
            pytest.skip(f"'{self.plugin}' does not report where its models run")
        assert told.partition(":")[0] == self.device.partition(":")[0], (
            f"asked for '{self.device}', it runs on '{told}'"
        )
        with pytest.raises(LoadFailed, match=NOWHERE):
            backend.load(spec, files, RuntimeOptions(NOWHERE))

    def test_one_array_gives_a_list_of_its_segments(self, rehearsal: Rehearsal) -> None:
        _perform(rehearsal, "speech")
        _perform(rehearsal, "half")

    def test_silence_is_answered_without_an_error(self, rehearsal: Rehearsal) -> None:
        _perform(rehearsal, "quiet")

    def test_a_batch_gives_the_segments_of_each_array_in_order(
        self, rehearsal: Rehearsal, alone: list[str]
    ) -> None:
        texts = list(map(text_of, _perform(rehearsal, "batch")))
        for place, text in enumerate(texts, 1):
            # Padding within a batch may change a letter, so the most similar text counts, not an equal one.
            likeness = [_likeness(text, other) for other in alone[1:]]
            assert likeness[place - 1] == max(likeness), (
                f"array {place} of a batch gave {text!r}; alone it gives {alone[place]!r}"
            )

    def test_an_empty_batch_gives_an_empty_list(self, rehearsal: Rehearsal) -> None:
        _perform(rehearsal, "empty")

    def test_the_arrays_are_left_as_they_were(self, rehearsal: Rehearsal) -> None:
        _perform(rehearsal, "input")

    def test_a_single_sample_is_answered_without_an_error(self, rehearsal: Rehearsal) -> None:
        _perform(rehearsal, "sample")

    def test_times_words_and_tokens_lie_within_the_array_and_in_order(self, rehearsal: Rehearsal) -> None:
        _perform(rehearsal, "details")

    def test_what_the_features_promise_is_there(self, detailed: Sequence[Segment], spec: ModelSpec) -> None:
        for segment in detailed:
            logprobs = [token.logprob for token in segment.tokens or () if token.logprob is not None]
            promised = {
                Feature.WORDS: segment.words,
                Feature.LOGPROBS: logprobs or None,
                Feature.DETECT: segment.language,
            }
            absent = [name for name in promised if name in spec.features and promised[name] is None]
            assert not absent, f"the spec claims {absent}, but a segment has None there"

    def test_equal_input_gives_equal_text(self, rehearsal: Rehearsal, alone: list[str]) -> None:
        first, *_ = _perform(rehearsal, "parallel")
        assert text_of(first) == alone[0], "two equal calls differ: if randomness is a setting, switch it off"

    def test_calls_in_parallel_answer_as_calls_alone(self, rehearsal: Rehearsal, alone: list[str]) -> None:
        texts = list(map(text_of, _perform(rehearsal, "parallel")))
        expected = [alone[number % len(alone)] for number in range(len(texts))]
        assert texts == expected, "threads disturb each other: lower `parallel`, or share no state"

    def test_long_audio_comes_in_order_and_can_be_given_up_midway(
        self, recognizer: Recognizer | Streaming, sounds: list[Audio], alone: list[str]
    ) -> None:
        if Capability.LONG_FORM not in recognizer.info.capabilities:
            pytest.skip(f"'{self.plugin}' leaves long audio to the core")
        long_form = cast("LongForm", recognizer)
        given_up = long_form.transcribe_long(sounds[0], Options())
        next(given_up, None)
        assert hasattr(given_up, "close"), "transcribe_long must be a generator, for the core to end it early"
        given_up.close()
        told = long_form.transcribe_long(sounds[0], Options())
        segments = [segment for segment in told if segment is not None]
        any_text = any(segment.text for segment in segments)
        assert any_text == bool(alone[0]), "transcribe_long gives no text after one that was closed early"
        seconds = len(sounds[0]) / SAMPLE_RATE
        _assert_none(segments_faults(segments, seconds))

    def test_a_language_is_detected_among_those_that_the_core_knows(
        self, recognizer: Recognizer | Streaming, sounds: list[Audio]
    ) -> None:
        if Capability.DETECT not in recognizer.info.capabilities:
            pytest.skip(f"'{self.plugin}' does not detect languages")
        for sound in sounds:
            _assert_none(chance_faults(cast("LanguageDetector", recognizer).detect(sound)))

    def test_streams_side_by_side_give_the_text_of_each_alone(self, streamed: Rehearsal) -> None:
        alone = [text_of(_perform(streamed, stage)[0]) for stage in STREAMED_ALONE]
        texts = [text_of(found) for found in _perform(streamed, "streams")]
        for place, text in enumerate(texts):
            likeness = [_likeness(text, other) for other in alone]
            assert likeness[place] == max(likeness), (
                f"a stream beside others gave {text!r}; alone it gives {alone[place]!r}"
            )

    def test_a_stream_hears_what_a_recording_has(self, streamed: Rehearsal, alone: list[str]) -> None:
        text = text_of(_perform(streamed, STREAMED_ALONE[0])[0])
        assert bool(text) == bool(alone[0]), f"streamed, it gives {text!r}; as a recording {alone[0]!r}"

    def test_streams_can_be_given_up_midway(self, streamed: Rehearsal) -> None:
        _perform(streamed, "given-up")

    def test_a_model_is_tried(self, backend: Backend) -> None:
        known = [spec.id for spec in backend.models()]
        assert self.models is not None or self._ids() or not known, (
            f"no file of {', '.join(known[:5])} is in an installed package: name in `models` "
            "those to try, which `govor pull` has fetched, or none: `models = ()`"
        )

    def test_a_used_model_can_be_closed(self, rehearsal: Rehearsal) -> None:
        _perform(rehearsal, "close")


def _perform(rehearsal: Rehearsal, stage: str) -> Arrays:
    """Return the result of a call; if it failed, fail with the reason, without a traceback of the suite."""
    if stage != LOAD and rehearsal.fault(LOAD):
        pytest.skip("it cannot be loaded: another test says so")
    if fault := rehearsal.fault(stage):
        pytest.fail(fault, pytrace=False)
    return rehearsal.outcomes[stage].arrays


def _seconds_to_list(backend: Backend) -> float:
    began = time.perf_counter()
    backend.models()
    return time.perf_counter() - began


def _likeness(first: str, second: str) -> float:
    return SequenceMatcher(None, first, second).ratio()


def _assert_none(faults: Sequence[str]) -> None:
    assert not faults, "\n".join(faults)
