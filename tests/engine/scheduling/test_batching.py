"""Which turns share a call: alike in length and options, and none suffers for another."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from govor.audio.chunking import Chunk
from govor.contract.audio import SAMPLE_RATE, Audio
from govor.contract.models import Feature, ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.contract.workers import Outcome, Progress, run_tasks
from govor.engine.scheduling.fair_queue import PADDING, fill_batch
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.tasks import InferenceTask
from govor.engine.service import Service
from govor.engine.transcription.work import Work
from govor.errors import GovorError, InvalidAudio, TranscriptionFailed
from govor.testing import FakeRecognizer, hum
from support.waiting import Turnstile, soon

SPEC = ModelSpec("fake")


def turn_of(seconds: float, name: str = "", peak: float = 0.5) -> InferenceTask:
    sound = hum(seconds)
    louder = sound * np.float32(peak / np.abs(sound).max())
    return InferenceTask(Chunk(louder, (0,), (0,)), Options(prompt=name), FairShare())


def work_on(tasks: Sequence[InferenceTask], model: FakeRecognizer) -> list[Outcome]:
    return run_tasks([task.work for task in tasks], model)


def found(outcome: Outcome) -> list[str]:
    """The texts of a step that did not fail."""
    assert isinstance(outcome, Progress)
    return [segment.text for segment in outcome.segments]


def lengths(batch: Sequence[InferenceTask]) -> list[float]:
    return [task.seconds for task in batch]


def test_the_likest_in_length_share_a_call() -> None:
    tasks = [turn_of(seconds) for seconds in (10, 2, 9.5, 30, 10.5, 8)]
    assert lengths(fill_batch(tasks[0], tasks, 3)) == [10, 9.5, 10.5]


def test_what_would_be_mostly_padding_is_left_for_a_call_of_its_own() -> None:
    tasks = [turn_of(seconds) for seconds in (10, 1, 2, 30)]
    assert lengths(fill_batch(tasks[0], tasks, 8)) == [10]


def test_only_equal_options_share_a_call() -> None:
    tasks = [turn_of(10, "a"), turn_of(10, "b"), turn_of(10, "a")]
    assert fill_batch(tasks[0], tasks, 8) == [tasks[0], tasks[2]]


def test_a_call_gets_no_more_padded_audio_than_the_model_takes() -> None:
    tasks = [turn_of(seconds) for seconds in (10, 10, 10, 10.5)]
    assert lengths(fill_batch(tasks[0], tasks, 8, 30.0)) == [10, 10, 10]
    assert lengths(fill_batch(tasks[0], tasks, 8, 42.0)) == [10, 10, 10, 10.5]
    assert lengths(fill_batch(tasks[0], tasks, 8, 5.0)) == [10]  # alone it may be longer


@given(
    st.lists(st.floats(0.1, 30), min_size=1, max_size=40),
    st.integers(1, 16),
    st.floats(1.0, 100.0) | st.just(math.inf),
)
def test_batches_are_no_larger_than_allowed_and_their_padding_bounded(
    seconds: list[float], largest: int, most_seconds: float
) -> None:
    chunks = [Chunk(np.empty(int(length * SAMPLE_RATE), np.float32), (0,), (0,)) for length in seconds]
    tasks = [InferenceTask(chunk, Options(), FairShare()) for chunk in chunks]
    batch = fill_batch(tasks[0], tasks, largest, most_seconds)
    assert batch[0] is tasks[0]
    assert len(batch) <= largest
    assert len({id(task) for task in batch}) == len(batch)
    real = sum(lengths(batch))
    assert max(lengths(batch)) * len(batch) <= (1 + PADDING) * real + 1e-6
    assert len(batch) == 1 or max(lengths(batch)) * len(batch) <= most_seconds


class Touchy(FakeRecognizer):
    """A model that fails on every call with a loud sound in it."""

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
        if any(np.abs(audio).max() > 0.9 for audio in batch):
            self.failure: Exception | None = ValueError("too loud")
        segments = super().transcribe(batch, options) if self.failure is None else None
        failure, self.failure = self.failure, None
        if segments is None:
            assert failure is not None
            raise failure
        return segments


def test_one_that_fails_does_not_fail_those_in_its_batch() -> None:
    tasks = [turn_of(1, peak=0.5), turn_of(1.1, peak=1.0), turn_of(1.2, peak=0.5)]
    good, bad, other = work_on(tasks, Touchy(SPEC))
    assert found(good) + found(other) == ["1.0 seconds", "1.2 seconds"]
    assert isinstance(bad, TranscriptionFailed)


def test_one_that_was_left_meanwhile_is_not_tried_alone() -> None:
    tasks = [turn_of(1), turn_of(1.1), turn_of(1.2)]

    class Losing(FakeRecognizer):
        def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
            segments = super().transcribe(batch, options)
            if len(batch) > 1:
                tasks[1].cancel()
                raise ValueError("not all at once")
            return segments

    model = Losing(SPEC)
    assert [len(found(outcome)) for outcome in work_on(tasks, model)] == [1, 0, 1]
    assert [len(call.seconds) for call in model.calls] == [3, 1, 1]


class Forgetful(FakeRecognizer):
    """A model that answers batches with one segment too few."""

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
        segments = super().transcribe(batch, options)
        return segments[: len(batch) - 1] if len(batch) > 1 else segments


@pytest.mark.parametrize("kind", [Forgetful, FakeRecognizer])
def test_a_batch_that_is_not_answered_whole_is_asked_again_one_by_one(kind: type[FakeRecognizer]) -> None:
    tasks = [turn_of(1), turn_of(1.1)]
    outcomes = work_on(tasks, kind(SPEC))
    assert [found(outcome) for outcome in outcomes] == [["1.0 seconds"], ["1.1 seconds"]]
    assert all(isinstance(outcome, Progress) and outcome.finished for outcome in outcomes)


def test_an_error_of_govors_own_is_told_to_each_as_it_is() -> None:
    error = InvalidAudio("no")
    outcomes = work_on([turn_of(1), turn_of(1)], FakeRecognizer(SPEC, failure=error))
    assert outcomes == [error, error]
    assert all(isinstance(outcome, GovorError) for outcome in outcomes)


async def test_a_model_that_gains_from_batches_gets_them_of_one_recording_and_of_several(
    service: Any, spoken: Callable[..., Path]
) -> None:
    spec = ModelSpec("fake", features=frozenset({Feature.PROMPT}))
    model = FakeRecognizer(spec, batch=4, gate=Turnstile())
    wishes = [(1.0, "x"), (1.3, "x"), (5.0, "x"), (2.0, "y")]

    async def hear(running: Service, seconds: float, prompt: str) -> list[str]:
        path = spoken(*[-4, seconds] * 6, -4, name=f"{seconds}{prompt}.wav")
        work = Work(path, next(iter(running.catalogue)), Options(prompt=prompt))
        async with running.transcribe(work) as transcription, aclosing(aiter(transcription)) as segments:
            return [segment.text async for segment in segments]

    async with service(lambda spec: model, spec) as running:
        hearing = [asyncio.create_task(hear(running, *wish)) for wish in wishes]
        assert await soon(lambda: bool(model.calls))
        loaded = running.pool.loaded(running.router.choose("fake"))
        assert loaded is not None
        ahead = 4 + 2 * 4  # one of each request, and what fills two batches of all
        assert await soon(lambda: loaded.scheduler.waiting == ahead - len(model.calls[0].seconds))
        model.gate.open(1000)
        found = await asyncio.gather(*hearing)
    for (seconds, _), texts in zip(wishes, found, strict=True):
        assert [float(text.split()[0]) for text in texts] == [pytest.approx(seconds + 0.4, abs=0.11)] * 6
    assert sum(len(call.seconds) for call in model.calls) == 24
    assert max(len(call.seconds) for call in model.calls) == 4
    assert any(len(set(call.seconds)) > 1 for call in model.calls), "no call has two requests' chunks"
    for call in model.calls:
        assert max(call.seconds) * len(call.seconds) <= (1 + PADDING) * sum(call.seconds)
        assert (call.options.prompt == "y") == (2.2 < call.seconds[0] < 2.6)
