"""A model that only streams transcribes recordings too."""

from __future__ import annotations

import re
from typing import Any

import pytest

from govor.contract.models import ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.models.streamed import transcribe
from govor.testing import FakeStreaming, hum, silence

SPEC = ModelSpec("stream")


def test_each_array_has_a_stream_and_all_go_on_in_one_call() -> None:
    model = FakeStreaming(SPEC, batch=4, final_seconds=2.0)
    found = transcribe(model, [hum(5), silence(1), hum(1.5)], Options())
    assert found == [
        [Segment("2.0 seconds", 0, 2), Segment("2.0 seconds", 2, 4), Segment("1.0 seconds", 4, 5)],
        [],
        [Segment("1.5 seconds", 0, 1.5)],
    ]
    assert (model.advanced, model.finished) == ([3], [3])
    assert all(stream.closed for stream in model.streams)


def test_no_array_needs_no_stream() -> None:
    model = FakeStreaming(SPEC)
    assert transcribe(model, [], Options()) == []
    assert model.advanced == []


def test_streams_are_closed_though_the_model_fails() -> None:
    model = FakeStreaming(SPEC, failure=RuntimeError("out of tune"))
    with pytest.raises(RuntimeError, match="out of tune"):
        transcribe(model, [hum(1), hum(2)], Options())
    assert [stream.closed for stream in model.streams] == [True, True]


@pytest.mark.parametrize(
    ("method", "told"),
    [("advance", "advance() returned None"), ("finish", "finish() returned None")],
)
def test_results_of_a_wrong_form_are_named(method: str, told: str) -> None:
    model = FakeStreaming(SPEC)
    setattr(model, method, lambda given: None)
    with pytest.raises(ValueError, match=re.escape(told)):
        transcribe(model, [hum(1)], Options())
    assert [stream.closed for stream in model.streams] == [True]


def test_a_model_that_also_transcribes_does_so() -> None:
    class Both(FakeStreaming):
        def transcribe(self, batch: Any, options: Options) -> list[list[Segment]]:
            return [[Segment("whole")] for _ in batch]

    model = Both(SPEC)
    assert transcribe(model, [hum(1)], Options()) == [[Segment("whole")]]
    assert model.streams == []


@pytest.mark.parametrize(
    ("opened", "told"),
    [
        (None, "open() returned None: end it with `return`"),
        (FakeStreaming, "open() returned the class FakeStreaming"),
        (7, "open() returned 7, which lacks the method close"),
    ],
)
def test_a_stream_of_a_wrong_form_is_named(opened: Any, told: str) -> None:
    model = FakeStreaming(SPEC)
    model.open = lambda options: opened  # type: ignore[method-assign]
    with pytest.raises(ValueError, match=re.escape(told)):
        transcribe(model, [hum(1)], Options())


def test_a_stream_that_cannot_be_closed_loses_no_text(caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(FakeStreaming):
        def open(self, options: Options) -> Any:
            stream = super().open(options)
            stream.close = lambda: next(iter(()))  # type: ignore[method-assign]
            return stream

    ((segment,),) = transcribe(Stuck(SPEC), [hum(1)], Options())
    assert segment.text == "1.0 seconds"
    assert "The model failed when a stream was closed" in caplog.text
