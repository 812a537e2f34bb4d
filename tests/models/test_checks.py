"""The statement of a loaded model about itself is checked, and each fault says what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from govor.contract.models import ModelSpec, RuntimeOptions
from govor.contract.recognizers import Capability, RecognizerInfo
from govor.models.checks import METHODS, loaded_fault
from govor.testing import FakeDiarizer, FakeLinguist, FakeLongForm, FakeRecognizer

SPEC = ModelSpec("fake")


class Stating:
    """A loaded model with any statement about itself."""

    def __init__(self, info: object):
        self.info = info

    def transcribe(self, batch: Any, options: Any) -> Any: ...

    def close(self) -> None: ...


@pytest.mark.parametrize("kind", [FakeRecognizer, FakeLongForm, FakeLinguist])
def test_the_fakes_have_no_fault(kind: type[FakeRecognizer]) -> None:
    assert loaded_fault(kind(SPEC)) == ""


def test_a_diarizer_needs_no_transcribe() -> None:
    assert loaded_fault(FakeDiarizer(), transcribes=False) == ""
    assert loaded_fault(FakeDiarizer()) == "the result of load() lacks the method transcribe"


@pytest.mark.parametrize(
    ("info", "told"),
    [
        (None, "needs an attribute `info`, a govor.RecognizerInfo"),
        (RecognizerInfo(parallel=0), "`info.parallel` is 0: it must be a whole number from 1 on"),
        (RecognizerInfo(batch=2.0), "`info.batch` is 2.0"),  # type: ignore[arg-type]
        (RecognizerInfo(cores=-1), "`info.cores` is -1: it must be a whole number from 0 on"),
        (RecognizerInfo(surplus=None), "`info.surplus` is None"),  # type: ignore[arg-type]
        (RecognizerInfo(batch_seconds=0.0), "`info.batch_seconds` is 0.0"),
        (RecognizerInfo(window=-1.0), "`info.window` is -1.0"),
        (RecognizerInfo(capabilities=frozenset({"fly"})), "`info.capabilities` has 'fly'"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_statement_is_named_with_its_remedy(info: object, told: str) -> None:
    assert told in loaded_fault(Stating(info))


@pytest.mark.parametrize("capability", Capability)
def test_a_capability_without_its_method_is_named(capability: Capability) -> None:
    told = loaded_fault(Stating(RecognizerInfo(capabilities=frozenset({capability}))))
    name = METHODS[capability][0]
    assert told == f"it declares govor.Capability.{capability.name}, but lacks the method {name}"


def test_a_model_for_live_audio_needs_no_transcribe() -> None:
    class Live:
        info = RecognizerInfo(capabilities=frozenset({Capability.STREAM}))

        def open(self, options: Any) -> Any: ...

        def advance(self, fed: Any) -> Any: ...

        def finish(self, streams: Any) -> Any: ...

        def close(self) -> None: ...

    assert loaded_fault(Live()) == ""


def test_what_is_not_stated_is_as_it_was_asked_for() -> None:
    asked = RuntimeOptions("cuda", 2, 3, "fp16")
    assert RuntimeOptions().or_else(asked) == asked
    assert RuntimeOptions("cpu", 1, 4, "int8").or_else(asked) == RuntimeOptions("cpu", 1, 4, "int8")
    assert replace(asked, threads=0).or_else(RuntimeOptions("cpu", 8)) == RuntimeOptions("cuda", 8, 3, "fp16")
