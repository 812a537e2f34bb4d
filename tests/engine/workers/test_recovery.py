"""A model that is lost while it works: loaded again, its calls repeated once, nothing answered twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
import pytest

from govor.audio.chunking import Chunk
from govor.contract.audio import Audio
from govor.contract.models import ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.contract.workers import Worker
from govor.engine.scheduling.fair_share import FairShare
from govor.engine.scheduling.scheduler import ModelScheduler
from govor.engine.scheduling.tasks import InferenceTask
from govor.engine.workers.thread_worker import ThreadWorker
from govor.errors import BackendUnavailable, GovorError, LoadFailed
from govor.testing import FakeLongForm, FakeRecognizer, hum
from govor.testing.fakes import pass_gate
from support.waiting import soon

SPEC = ModelSpec("fake")
LOST = BackendUnavailable("The device has fallen off the bus.")


class Mortal(FakeRecognizer):
    """A model that loud sound ends, or any call if `dying`."""

    dying = False
    clinging = False
    """Whether it cannot even be closed."""
    slow = threading.Event()
    """Holds back calls whose prompt is "slow"."""

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[Segment]:
        segments = super().transcribe(batch, options)
        if options.prompt == "slow":
            pass_gate(self.slow)
        if self.dying or any(np.abs(audio).max(initial=0) > 0.9 for audio in batch):
            self.dying = True
            raise LOST
        return segments

    def close(self) -> None:
        super().close()
        if self.clinging:
            raise LOST


class Instances:
    """All instances of a model, in the order in which they were loaded."""

    def __init__(self, make: Callable[[], Mortal], failure: Exception | None = None):
        self.all = [make()]
        self.failure = failure
        self.given_up: list[GovorError] = []
        self._make = make

    async def reopen(self, lost: GovorError) -> Worker:
        assert self.all[-1].closed == 1, "it is closed before it is loaded again"
        if self.failure is not None:
            raise self.failure
        self.all.append(self._make())
        return ThreadWorker(self.all[-1], "fake")


@asynccontextmanager
async def scheduling(instances: Instances) -> AsyncIterator[ModelScheduler]:
    scheduler = ModelScheduler(ThreadWorker(instances.all[0], "fake"), "fake")

    async def give_up(error: GovorError) -> None:
        instances.given_up.append(error)
        closing.append(asyncio.create_task(scheduler.close(error)))

    closing: list[asyncio.Task[None]] = []
    scheduler.recover(instances.reopen, give_up)
    try:
        yield scheduler
    finally:
        await asyncio.gather(*closing)
        if not closing:
            await scheduler.close()


def task_of(seconds: float = 1.0, *, loud: bool = False, name: str = "") -> InferenceTask:
    sound = hum(seconds)
    audio = sound / np.abs(sound).max() * np.float32(1.0 if loud else 0.5)
    return InferenceTask(Chunk(audio, (0,), (0,)), Options(prompt=name), FairShare())


def submitted(scheduler: ModelScheduler, *tasks: InferenceTask) -> list[asyncio.Task[list[str]]]:
    for task in tasks:
        scheduler.submit(task)
    return [asyncio.create_task(texts(task)) for task in tasks]


async def texts(task: InferenceTask) -> list[str]:
    return [segment.text async for segment in task]


def dying_first(*dying: bool, **kwargs: object) -> Callable[[], Mortal]:
    """Makers of instances: the first ones die in their first call, as `dying` says; later ones do not."""
    left = list(dying)

    def make() -> Mortal:
        model = Mortal(SPEC, **kwargs)  # type: ignore[arg-type]
        model.dying = bool(left) and left.pop(0)
        return model

    return make


async def test_a_model_that_dies_once_is_loaded_again_and_answers() -> None:
    instances = Instances(dying_first(True))
    async with scheduling(instances) as scheduler:
        assert await asyncio.gather(*submitted(scheduler, task_of(1), task_of(2))) == [
            ["1.0 seconds"],
            ["2.0 seconds"],
        ]
    assert [each.closed for each in instances.all] == [1, 1]
    assert instances.given_up == []


async def test_a_model_that_cannot_be_closed_is_loaded_again_all_the_same() -> None:
    instances = Instances(dying_first(True))
    instances.all[0].clinging = True
    async with scheduling(instances) as scheduler:
        assert await submitted(scheduler, task_of(1))[0] == ["1.0 seconds"]
    assert len(instances.all) == 2


async def test_a_request_that_ends_the_model_again_gets_the_error_and_the_others_their_text() -> None:
    instances = Instances(dying_first(batch=4))
    tasks = [task_of(1, loud=loud) for loud in (False, True, False, False)]
    async with scheduling(instances) as scheduler:
        said = await asyncio.gather(*submitted(scheduler, *tasks), return_exceptions=True)
    assert said[1] is LOST
    assert said[:1] + said[2:] == [["1.0 seconds"]] * 3
    assert [each.closed for each in instances.all] == [1, 1, 1]
    assert instances.given_up == []


async def test_a_request_that_ends_the_model_ends_no_call_beside_it_a_second_time() -> None:
    instances = Instances(dying_first(parallel=2))
    async with scheduling(instances) as scheduler:
        for _ in range(5):
            said = await asyncio.gather(
                *submitted(scheduler, task_of(1, loud=True), *(task_of(1) for _ in range(4))),
                return_exceptions=True,
            )
            assert said == [LOST, *[["1.0 seconds"]] * 4]


async def test_a_call_that_runs_meanwhile_ends_before_the_model_is_closed() -> None:
    instances = Instances(dying_first(parallel=2))
    async with scheduling(instances) as scheduler:
        (first,) = instances.all
        slow, bad = task_of(3, name="slow"), task_of(1, loud=True)
        tasks = submitted(scheduler, slow, bad)
        assert await soon(lambda: bad.retried)
        late = submitted(scheduler, task_of(2))
        assert (len(first.calls), first.closed, len(instances.all)) == (2, 0, 1)
        first.slow.set()
        said = await asyncio.gather(*tasks, *late, return_exceptions=True)
        assert said == [["3.0 seconds"], LOST, ["2.0 seconds"]]
        assert len(first.calls) == 2, "nothing new begins on a model that is lost"


async def test_a_model_that_always_dies_is_given_up_after_three_losses() -> None:
    instances = Instances(dying_first(*[True] * 9))
    async with scheduling(instances) as scheduler:
        tasks = submitted(scheduler, *(task_of(1) for _ in range(5)))
        said = await asyncio.gather(*tasks, return_exceptions=True)
    assert said == [LOST] * 5
    assert instances.given_up == [LOST]
    assert [each.closed for each in instances.all] == [1, 1, 1]


async def test_a_model_that_does_not_load_again_is_given_up_at_once() -> None:
    error = LoadFailed("There is no device 'cuda'.")
    instances = Instances(dying_first(True), failure=error)
    async with scheduling(instances) as scheduler:
        said = await asyncio.gather(*submitted(scheduler, task_of(1), task_of(2)), return_exceptions=True)
    assert said == [error, error]
    assert instances.given_up == [error]


async def test_successes_between_losses_keep_a_model_from_being_given_up() -> None:
    instances = Instances(dying_first())
    async with scheduling(instances) as scheduler:
        for _ in range(4):
            with pytest.raises(BackendUnavailable):
                await submitted(scheduler, task_of(1, loud=True))[0]
            assert await submitted(scheduler, task_of(1))[0] == ["1.0 seconds"]
    assert len(instances.all) == 9


async def test_a_call_that_cannot_be_repeated_gets_the_error_and_the_model_is_loaded_again() -> None:
    instances = Instances(dying_first())

    def die(model: Mortal) -> None:
        if model is instances.all[0]:
            raise LOST

    async with scheduling(instances) as scheduler:
        with pytest.raises(BackendUnavailable):
            await scheduler.ask(die, repeatable=False)
        await scheduler.ask(die, repeatable=False)
        assert len(instances.all) == 2
    instances = Instances(dying_first())
    async with scheduling(instances) as scheduler:
        await scheduler.ask(die)


class Windowed(FakeLongForm):
    """A long-form model that dies in a window, counted from 0; -1: in none."""

    dies_in = -1

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Segment | None]:
        for number, segment in enumerate(super().transcribe_long(audio, options)):
            if number == self.dies_in:
                raise LOST
            yield segment


@pytest.mark.parametrize("dies_in", [0, 1, 3])
@pytest.mark.parametrize("readable", [True, False])
async def test_a_long_chunk_goes_on_from_its_last_segment_if_its_audio_can_be_read_again(
    dies_in: int, readable: bool
) -> None:
    models = [Windowed(SPEC), Windowed(SPEC)]
    models[0].dies_in = dies_in
    sound = hum(4.0)

    async def reopen(lost: GovorError) -> Worker:
        return ThreadWorker(models[1], "fake")

    async def reread(chunk: Chunk) -> Audio:
        assert chunk.seconds == 4.0
        return sound

    async def give_up(error: GovorError) -> None:
        raise AssertionError(error)

    scheduler = ModelScheduler(ThreadWorker(models[0], "fake"), "fake")
    scheduler.recover(reopen, give_up)
    chunk = Chunk(sound, (0,), (160_000,))
    task = InferenceTask(chunk, Options(), FairShare(), reread=reread if readable else None)
    scheduler.submit(task)
    found: list[float | None] = []
    error = None
    try:
        async for segment in task:
            found += [segment.start]
    except GovorError as fault:
        error = fault
    assert found == [10.0, 11.0, 12.0, 13.0][: 4 if readable else dies_in]
    assert (error is None) == readable
    await scheduler.close()
    assert models[0].closed == 1
    assert models[1].closed == 1 or not readable


async def test_a_cancelled_request_is_not_repeated() -> None:
    instances = Instances(dying_first(True, gate=threading.Event()))
    async with scheduling(instances) as scheduler:
        task = task_of(1)
        scheduler.submit(task)
        assert await soon(lambda: len(instances.all[0].calls) == 1)
        scheduler.cancel(task)
        instances.all[0].gate.set()  # type: ignore[union-attr]
        assert await soon(lambda: len(instances.all) == 2)
        assert instances.all[1].calls == []


async def test_a_scheduler_can_be_closed_while_its_model_is_loaded_again() -> None:
    instances = Instances(dying_first(True))
    begun = asyncio.Event()

    async def never(lost: GovorError) -> Worker:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    scheduler = ModelScheduler(ThreadWorker(instances.all[0], "fake"), "fake")

    async def give_up(error: GovorError) -> None:
        raise AssertionError("it is closed, not given up")

    scheduler.recover(never, give_up)
    (task,) = submitted(scheduler, task_of(1))
    await begun.wait()
    await scheduler.close(LoadFailed("over"))
    with pytest.raises(LoadFailed, match="over"):
        await task
