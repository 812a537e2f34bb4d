"""A model of a plugin for version 0.1 is used as its plugin's authors meant it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from govor.contract.models import ModelSpec, RuntimeOptions
from govor.contract.recognizers import Capability, Options, RecognizerInfo
from govor.contract.results import Segment, Token
from govor.models.checks import loaded_fault, result_fault
from govor.models.old_contract import adapted
from govor.testing import FakeRecognizer

AUDIO = np.zeros(16_000, np.float32)


class Old:
    """A recognizer as version 0.1 had it."""

    parallel = 2
    threads = 0
    placement = RuntimeOptions("cuda")
    closed = False

    def transcribe(self, batch: Any, options: Any) -> list[Segment]:
        token: Any = Token("one", -0.5, b"one")  # type: ignore[arg-type]
        return [Segment("one", tokens=(token,)), Segment("")][: len(batch)]

    def close(self) -> None:
        self.closed = True


class OldLongForm(Old):
    window = 30.0

    def transcribe_long(self, audio: Any, options: Any) -> Iterator[Segment | None]:
        yield None
        yield Segment("long")

    def detect(self, audio: Any) -> list[tuple[str, float]]:
        return [("en", 1.0)]


def test_a_bare_segment_for_each_array_becomes_a_list(caplog: pytest.LogCaptureFixture) -> None:
    old = Old()
    model = adapted(old, "bird", transcribes=True)
    assert loaded_fault(model) == ""
    assert model.info == RecognizerInfo(RuntimeOptions("cuda"), parallel=2, cores=0)
    found = model.transcribe([AUDIO, AUDIO], Options())
    assert result_fault(found, 2) == ""
    assert found == [[Segment("one", tokens=(Token(None, b"one", -0.5),))], []]
    assert "DeprecationWarning: plugin 'bird' is written for Govor 0.1" in caplog.text
    model.close()
    assert old.closed


def test_optional_methods_become_capabilities() -> None:
    model = adapted(OldLongForm(), "bird", transcribes=True)
    assert loaded_fault(model) == ""
    assert model.info.capabilities == {Capability.LONG_FORM, Capability.DETECT}
    assert model.info.window == 30.0
    assert list(model.transcribe_long(AUDIO, Options())) == [None, Segment("long")]
    assert model.detect(AUDIO) == [("en", 1.0)]


def test_a_diarizer_gets_its_info() -> None:
    old = SimpleNamespace(parallel=3, close=lambda: None)
    model = adapted(old, "ears", transcribes=False)
    assert model is old
    assert model.info.parallel == 3


@pytest.mark.parametrize("loaded", [FakeRecognizer(ModelSpec("fake")), object(), None, Old])
def test_anything_else_stays_as_it_is(loaded: object) -> None:
    assert adapted(loaded, "bird", transcribes=True) is loaded
