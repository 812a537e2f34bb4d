"""One model's queue: who is next, who hears what went wrong, what is left when somebody leaves."""

from __future__ import annotations

import asyncio
import math
import threading
import time
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from govor.audio.chunking import Chunk
from govor.contract.audio import Audio
from govor.contract.models import ModelSpec
from govor.contract.recognizers import Options
from govor.contract.results import Segment
from govor.contract.workers import Outcome, WorkerTask
from govor.engine.scheduling.core_budget import CoreBudget
from govor.engine.scheduling.fair_share import FairShare, Urgency
from govor.engine.scheduling.scheduler import ModelScheduler
from govor.engine.scheduling.tasks import InferenceTask
from govor.engine.workers.thread_worker import ThreadWorker
from govor.errors import QueueTimeout, ShuttingDown, TranscriptionFailed, UnsupportedOperation
from govor.testing import FakeLinguist, FakeLongForm, FakeRecognizer, hum
from govor.testing.fakes import Call, pass_gate
from support.waiting import Turnstile, soon

SPEC = ModelSpec("fake")
EVERY_CALL = 10_000


def turn_of(seconds: float, name: str = "", share: FairShare | None = None) -> InferenceTask:
    """A chunk of so many seconds; `name` tells the request apart."""
    return InferenceTask(Chunk(hum(seconds), (0,), (0,)), Options(prompt=name), share or FairShare())


def names(recognizer: FakeRecognizer) -> str:
    """The names of all calls so far, in order."""
    return " ".join(call.options.prompt for call in recognizer.calls)


async def texts(task: InferenceTask) -> list[str]:
    return [segment.text async for segment in task]


async def begun(recognizer: FakeRecognizer) -> None:
    """Wait until one more call has come."""
    assert await asyncio.to_thread(recognizer.begun.acquire, timeout=10)


@asynccontextmanager
async def lane_of(recognizer: Any) -> AsyncIterator[ModelScheduler]:
    """A scheduler; whatever its model's calls wait for, they may go on when the block ends."""
    scheduler = ModelScheduler(ThreadWorker(recognizer, "fake"), "fake")
    try:
        yield scheduler
    finally:
        gate = getattr(recognizer, "gate", None)
        if isinstance(gate, Turnstile):
            gate.open(EVERY_CALL)
        elif gate is not None:
            gate.set()
        await scheduler.close()


async def test_a_short_request_overtakes_a_long_one_at_the_next_window() -> None:
    model = FakeLongForm(SPEC, gate=threading.Event())
    async with lane_of(model) as scheduler:
        long, short = turn_of(5, "long"), turn_of(1, "short")
        scheduler.submit(long)
        await begun(model)
        scheduler.submit(short)
        model.gate.set()
        await asyncio.gather(texts(long), texts(short))
    assert names(model) == "long short long long long long"


async def test_a_small_file_of_unknown_length_goes_before_a_long_recording() -> None:
    small, unknown = FairShare(longest=60.0), FairShare()
    tasks = [
        turn_of(1, "unknown", unknown),
        turn_of(1, "long", FairShare(length=3600)),
        turn_of(1, "small", small),
    ]
    assert [task.options.prompt for task in sorted(tasks, key=lambda task: task.rank)] == [
        "small",
        "long",
        "unknown",
    ]
    assert small.extent == 0


async def test_a_short_request_overtakes_a_long_one_at_the_next_attempt_at_a_hard_window() -> None:
    model = FakeLongForm(SPEC, gate=threading.Event(), attempts=3)
    async with lane_of(model) as scheduler:
        long, short = turn_of(2, "long", FairShare(length=3600)), turn_of(1, "short", FairShare(length=1))
        scheduler.submit(long)
        await begun(model)
        scheduler.submit(short)
        model.gate.set()
        said = await asyncio.gather(texts(long), texts(short))
    assert names(model) == "long short short short long long long long long"
    assert said == [["1.0 seconds", "1.0 seconds"], ["1.0 seconds"]]


async def test_a_short_request_overtakes_the_stretches_of_a_long_one() -> None:
    model, share = FakeRecognizer(SPEC, gate=threading.Event()), FairShare()
    async with lane_of(model) as scheduler:
        tasks = [turn_of(3, "long", share) for _ in range(3)]
        for task in tasks:
            scheduler.submit(task)
        await begun(model)
        tasks.append(turn_of(1, "short"))
        scheduler.submit(tasks[-1])
        model.gate.set()
        await asyncio.gather(*map(texts, tasks))
    assert names(model) == "long short long long"


async def test_long_requests_advance_window_by_window_in_turn() -> None:
    model = FakeLongForm(SPEC, gate=threading.Event())
    async with lane_of(model) as scheduler:
        tasks = [turn_of(3, name) for name in "abc"]
        for task in tasks:
            scheduler.submit(task)
        model.gate.set()
        await asyncio.gather(*map(texts, tasks))
    assert names(model) == "a b c a b c a b c"


async def test_turns_are_shared_out_by_seconds_not_by_pieces() -> None:
    model, coarse, fine = FakeRecognizer(SPEC, gate=threading.Event()), FairShare(), FairShare()
    async with lane_of(model) as scheduler:
        tasks = [turn_of(4, "C", coarse) for _ in range(3)] + [turn_of(1, "f", fine) for _ in range(8)]
        for task in tasks:
            scheduler.submit(task)
        model.gate.set()
        await asyncio.gather(*map(texts, tasks))
    assert names(model) == "C f f f f C f f f f C"


async def test_a_late_long_request_goes_first_for_a_minute_and_then_shares() -> None:
    model, early, late = FakeRecognizer(SPEC, gate=threading.Event()), FairShare(1000.0), FairShare()
    async with lane_of(model) as scheduler:
        tasks = [turn_of(30, "early", early)]
        scheduler.submit(tasks[0])
        await begun(model)
        tasks += [turn_of(30, "early", early) for _ in range(3)] + [
            turn_of(30, "late", late) for _ in range(6)
        ]
        for task in tasks[1:]:
            scheduler.submit(task)
        model.gate.set()
        await asyncio.gather(*map(texts, tasks))
    assert names(model) == "early late late late early late early late early late"


@pytest.mark.parametrize("family", [FakeRecognizer, partial(FakeLongForm, window=10)])
async def test_short_requests_without_end_do_not_stop_a_long_one(family: Any) -> None:
    model, share = family(SPEC, gate=Turnstile()), FairShare(1000.0)
    async with lane_of(model) as scheduler:
        long = [turn_of(1, "long", share) for _ in range(2)]
        tasks = [*long, *(turn_of(4, f"short {number}") for number in range(70))]
        scheduler.submit(long[0])
        await begun(model)
        scheduler.submit(long[1])
        for task in tasks[2:]:
            scheduler.submit(task)  # another one waits whenever one is done
            model.gate.open()
            await begun(model)
        model.gate.open(EVERY_CALL)
        await asyncio.gather(*map(texts, tasks))
    served = [call.options.prompt for call in model.calls]
    assert served[1] == "short 0"
    assert 30 <= served.index("long", 1) <= 60  # after a minute for each of two or three who are there


async def test_one_message_after_another_goes_before_a_long_request() -> None:
    model, share = FakeRecognizer(SPEC, gate=Turnstile()), FairShare()
    async with lane_of(model) as scheduler:
        tasks = [turn_of(2, "long", share) for _ in range(81)]
        for task in tasks[:41]:
            scheduler.submit(task)
        await begun(model)
        for number in range(40):
            tasks.append(turn_of(4, "short"))
            scheduler.submit(tasks[-1])
            scheduler.submit(tasks[41 + number])
            for _ in range(2):
                model.gate.open()
                await begun(model)
        model.gate.open(EVERY_CALL)
        await asyncio.gather(*map(texts, tasks))
    assert names(model).startswith("long " + "short long " * 40)


async def test_stretches_of_one_request_keep_their_order() -> None:
    model, share = FakeRecognizer(SPEC), FairShare()
    async with lane_of(model) as scheduler:
        tasks = [turn_of(1, str(number), share) for number in range(6)]
        for task in tasks:
            scheduler.submit(task)
        await asyncio.gather(*map(texts, tasks))
    assert names(model) == "0 1 2 3 4 5"


async def test_a_window_arrives_while_the_next_one_is_still_worked_on() -> None:
    model = FakeLongForm(SPEC, gate=Turnstile())
    async with lane_of(model) as scheduler:
        task = turn_of(2)
        scheduler.submit(task)
        segments = aiter(task)
        for number in range(2):
            model.gate.open()
            segment = await anext(segments)
            assert (segment.start, segment.end) == (number, number + 1)


async def test_a_turn_is_over_with_its_only_call_whoever_is_next() -> None:
    model = FakeRecognizer(SPEC, gate=Turnstile())
    async with lane_of(model) as scheduler:
        first, other = turn_of(2), turn_of(1)
        scheduler.submit(first)
        scheduler.submit(other)
        model.gate.open()
        assert await texts(first) == ["2.0 seconds"]


async def test_times_are_those_of_the_recording() -> None:
    async with lane_of(FakeLongForm(SPEC)) as scheduler:
        task = InferenceTask(Chunk(hum(2), (0,), (160_000,)), Options(), FairShare())
        scheduler.submit(task)
        assert [(segment.start, segment.end) async for segment in task] == [(10, 11), (11, 12)]


async def test_a_lane_calls_its_model_in_as_many_threads_as_that_allows_and_no_more() -> None:
    model = FakeRecognizer(SPEC, parallel=3, gate=threading.Event())
    async with lane_of(model) as scheduler:
        tasks = [turn_of(1) for _ in range(5)]
        for task in tasks:
            scheduler.submit(task)
        for _ in range(3):
            await begun(model)
        assert not await soon(lambda: len(model.calls) > 3, seconds=0.2)
        model.gate.set()
        await asyncio.gather(*map(texts, tasks))
    assert len(model.calls) == 5


async def test_a_cancelled_turn_that_waits_is_never_worked_on() -> None:
    model = FakeRecognizer(SPEC, gate=threading.Event())
    async with lane_of(model) as scheduler:
        first, unwanted, last = (turn_of(1, name) for name in ("first", "unwanted", "last"))
        scheduler.submit(first)
        await begun(model)
        scheduler.submit(unwanted)
        scheduler.submit(last)
        scheduler.cancel(unwanted)
        model.gate.set()
        await asyncio.gather(texts(first), texts(last))
    assert names(model) == "first last"


async def test_a_turn_cancelled_in_mid_window_is_given_up_after_it_and_closed_once() -> None:
    model = FakeLongForm(SPEC, gate=threading.Event())
    async with lane_of(model) as scheduler:
        task = turn_of(10)
        scheduler.submit(task)
        await begun(model)
        scheduler.cancel(task)
        scheduler.cancel(task)
        model.gate.set()
        assert await soon(lambda: model.abandoned == 1)
    assert (len(model.calls), model.abandoned) == (1, 1)


async def test_a_turn_cancelled_between_two_windows_is_closed_once() -> None:
    model = FakeLongForm(SPEC, gate=Turnstile())
    async with lane_of(model) as scheduler:
        task, other = turn_of(10, "a"), turn_of(1, "b")
        scheduler.submit(task)
        scheduler.submit(other)
        model.gate.open()
        await anext(aiter(task))
        await begun(model)
        await begun(model)  # `other` is at work, so `task` waits
        scheduler.cancel(task)
        scheduler.cancel(task)
        model.gate.open(EVERY_CALL)
        await texts(other)
        assert await soon(lambda: model.abandoned == 1)
    assert names(model) == "a b"
    assert model.abandoned == 1


async def test_a_turn_that_is_over_may_be_cancelled() -> None:
    model = FakeLongForm(SPEC)
    async with lane_of(model) as scheduler:
        task = turn_of(2)
        scheduler.submit(task)
        await texts(task)
        scheduler.cancel(task)
    assert model.abandoned == 0


async def test_a_model_that_fails_fails_only_the_request_at_work() -> None:
    model = FakeRecognizer(SPEC, gate=Turnstile(), failure=ValueError("too loud"))
    async with lane_of(model) as scheduler:
        bad, good = turn_of(1), turn_of(2)
        scheduler.submit(bad)
        scheduler.submit(good)
        model.gate.open()
        with pytest.raises(TranscriptionFailed, match="ValueError: too loud"):
            await texts(bad)
        model.failure = None
        model.gate.open()
        assert await texts(good) == ["2.0 seconds"]


async def test_a_model_that_fails_in_a_later_window_keeps_what_it_gave_before() -> None:
    model = FakeLongForm(SPEC, gate=Turnstile())
    async with lane_of(model) as scheduler:
        task = turn_of(3)
        scheduler.submit(task)
        segments = aiter(task)
        model.gate.open()
        assert (await anext(segments)).text == "1.0 seconds"
        model.failure = RuntimeError("broken")
        model.gate.open()
        with pytest.raises(TranscriptionFailed, match="broken"):
            await anext(segments)


async def test_an_error_of_govors_own_passes_as_it_is() -> None:
    error = UnsupportedOperation("Not in this language.", param="language")
    async with lane_of(FakeRecognizer(SPEC, failure=error)) as scheduler:
        task = turn_of(1)
        scheduler.submit(task)
        with pytest.raises(UnsupportedOperation) as caught:
            await texts(task)
    assert caught.value is error


@pytest.mark.parametrize(
    "failure",
    [StopIteration("x"), SystemExit(3), CancelledError(), asyncio.CancelledError(), GeneratorExit()],
)
@pytest.mark.parametrize("family", [FakeRecognizer, FakeLongForm])
async def test_nothing_that_a_model_raises_ends_the_lane(family: Any, failure: BaseException) -> None:
    model = family(SPEC, failure=failure)
    async with lane_of(model) as scheduler:
        task = turn_of(1)
        scheduler.submit(task)
        with pytest.raises(TranscriptionFailed):
            await texts(task)
        model.failure = None
        task = turn_of(1)
        scheduler.submit(task)
        assert await texts(task) == ["1.0 seconds"]


class Threadless(ThreadWorker):
    """A worker that gets no thread for its first two calls."""

    failures = 2

    async def run(self, tasks: Sequence[WorkerTask], *, urgent: bool = False) -> list[Outcome]:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("can't start new thread")
        return await super().run(tasks, urgent=urgent)


async def test_who_can_be_given_no_thread_is_told_and_the_next_one_is_served() -> None:
    scheduler = ModelScheduler(Threadless(FakeRecognizer(SPEC), "fake"), "fake")
    for _ in range(2):
        task = turn_of(1)
        scheduler.submit(task)
        with pytest.raises(TranscriptionFailed, match="can't start new thread"):
            await texts(task)
    task = turn_of(1)
    scheduler.submit(task)
    assert await texts(task) == ["1.0 seconds"]
    await scheduler.close()


class Nonsense(FakeRecognizer):
    """A model that answers with what is no segment."""

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[Any]:
        return [None]


class LongNonsense(FakeLongForm):
    """One that does so in its second window, and counts how often it was broken off."""

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Any]:
        try:
            yield Segment("good", 0.0, 1.0)
            yield Segment("bad", "early", "late")  # type: ignore[arg-type]
        except GeneratorExit:
            self.abandoned += 1
            raise


@pytest.mark.parametrize("family", [Nonsense, LongNonsense])
async def test_a_model_that_answers_nonsense_does_not_end_the_lane(family: Any) -> None:
    model = family(SPEC)
    async with lane_of(model) as scheduler:
        for _ in range(2):
            task = turn_of(2)
            scheduler.submit(task)
            with pytest.raises(TranscriptionFailed):
                await texts(task)
    assert model.abandoned == 2 if family is LongNonsense else model.closed == 1


class Clinging(FakeLongForm):
    """A model that cannot be broken off without an error."""

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Segment]:
        try:
            yield Segment("a", 0.0, 1.0)
            self._begin([audio], options)
            yield Segment("b", 1.0, 2.0)
        finally:
            self.abandoned += 1
            raise RuntimeError("it would not let go")


async def test_a_model_that_cannot_be_broken_off_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    model = Clinging(SPEC, gate=threading.Event())
    async with lane_of(model) as scheduler:
        task = turn_of(2)
        scheduler.submit(task)
        await begun(model)
        scheduler.cancel(task)
        model.gate.set()
        assert await soon(lambda: model.abandoned == 1)
    assert "it would not let go" in caplog.text


async def test_closing_tells_who_waits_at_once_and_frees_the_model_after_its_last_call() -> None:
    model = FakeRecognizer(SPEC, gate=threading.Event())
    scheduler = ModelScheduler(ThreadWorker(model, "fake"), "fake")
    tasks = [turn_of(1, name) for name in ("working", "waiting")]
    for task in tasks:
        scheduler.submit(task)
    await begun(model)
    closing = asyncio.create_task(scheduler.close())
    for task in tasks:
        with pytest.raises(ShuttingDown):
            await texts(task)
    assert not await soon(lambda: model.closed > 0, seconds=0.2)
    model.gate.set()
    await closing
    assert (names(model), model.closed) == ("working", 1)


class Orderly(FakeLongForm):
    """A model that minds in which order its work and itself are ended."""

    def close(self) -> None:
        assert self.abandoned == 2
        super().close()


async def test_closing_breaks_off_begun_windows_once_and_before_the_model_is_freed() -> None:
    model = Orderly(SPEC, gate=Turnstile())
    async with lane_of(model) as scheduler:
        waiting, working = turn_of(10, "a"), turn_of(10, "b")
        scheduler.submit(waiting)
        scheduler.submit(working)
        model.gate.open()
        await anext(aiter(waiting))
        await begun(model)
        await begun(model)
    assert (names(model), model.abandoned, model.closed) == ("a b", 2, 1)


async def test_after_closing_a_turn_ends_at_once_and_may_be_cancelled() -> None:
    model = FakeRecognizer(SPEC, gate=threading.Event())
    async with lane_of(model) as scheduler:
        left = turn_of(1)
        scheduler.submit(left)
    late = turn_of(1)
    scheduler.submit(late)
    for task in (left, late):
        scheduler.cancel(task)
        with pytest.raises(ShuttingDown):
            await texts(task)


class Stubborn(FakeRecognizer):
    """A model that fails when it is freed."""

    def close(self) -> None:
        raise RuntimeError("no")


async def test_a_model_that_fails_while_it_is_freed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with lane_of(Stubborn(SPEC)):
        pass
    assert "RuntimeError: no" in caplog.text


async def test_of_requests_that_have_had_equally_little_the_shortest_recording_goes_first() -> None:
    model = FakeRecognizer(SPEC, gate=threading.Event())
    async with lane_of(model) as scheduler:
        tasks = [turn_of(1, "first")]
        scheduler.submit(tasks[0])
        await begun(model)
        for name, length in (("unknown", math.inf), ("long", 3600.0), ("short", 5.0)):
            tasks.append(turn_of(1, name, FairShare(length=length)))
            scheduler.submit(tasks[-1])
        model.gate.set()
        await asyncio.gather(*map(texts, tasks))
    assert names(model) == "first short long unknown"


async def test_what_is_no_longer_than_a_window_is_over_with_it_whoever_waits() -> None:
    model = FakeLongForm(SPEC, gate=Turnstile())
    async with lane_of(model) as scheduler:
        first, other = turn_of(1, "a"), turn_of(1, "b")
        scheduler.submit(first)
        scheduler.submit(other)
        model.gate.open()
        assert await texts(first) == ["1.0 seconds"]
    assert model.abandoned == 0


async def test_a_long_form_model_ends_a_stretch_before_it_begins_the_next_one_of_the_same_recording() -> None:
    model, share = FakeLongForm(SPEC, gate=threading.Event()), FairShare()
    async with lane_of(model) as scheduler:
        tasks = [turn_of(3, name, share) for name in "ab"]
        for task in tasks:
            scheduler.submit(task)
        model.gate.set()
        await asyncio.gather(*map(texts, tasks))
    assert names(model) == "a a a b b b"


async def test_turns_of_several_requests_share_a_call() -> None:
    model = FakeRecognizer(SPEC, batch=3, gate=threading.Event())
    async with lane_of(model) as scheduler:
        tasks = [turn_of(1)]
        scheduler.submit(tasks[0])
        await begun(model)
        for seconds in (2, 2.1, 9, 2.2, 2.3):
            tasks.append(turn_of(seconds))
            scheduler.submit(tasks[-1])
        model.gate.set()
        found = await asyncio.gather(*map(texts, tasks))
    assert [text for texts in found for text in texts] == [f"{task.seconds:.1f} seconds" for task in tasks]
    assert [call.seconds for call in model.calls] == [(1.0,), (2.0, 2.1, 2.2), (9.0,), (2.3,)]


async def test_one_of_a_batch_who_leaves_changes_nothing_for_the_others() -> None:
    model = FakeRecognizer(SPEC, batch=3, gate=threading.Event())
    async with lane_of(model) as scheduler:
        tasks = [turn_of(1) for _ in range(3)]
        for task in tasks:
            scheduler.submit(task)
        await begun(model)
        scheduler.cancel(tasks[1])
        model.gate.set()
        assert [await texts(task) for task in tasks[::2]] == [["1.0 seconds"]] * 2


async def test_what_is_asked_for_a_language_shares_no_call() -> None:
    model = FakeLinguist(SPEC, batch=4, gate=threading.Event())
    async with lane_of(model) as scheduler:
        tasks = [turn_of(1) for _ in range(2)]
        scheduler.submit(tasks[0])
        await begun(model)
        asked = [asyncio.create_task(scheduler.ask(lambda model: model.detect(hum(1)))) for _ in range(3)]
        await asyncio.sleep(0)
        scheduler.submit(tasks[1])
        model.gate.set()
        assert await asyncio.gather(*asked) == [(("en", 1.0),)] * 3
        assert [await texts(task) for task in tasks] == [["1.0 seconds"]] * 2
    assert [len(call.seconds) for call in model.calls] == [1, 1]


async def test_a_long_form_model_is_asked_for_no_batch() -> None:
    model = FakeLongForm(SPEC, batch=3)
    async with lane_of(model) as scheduler:
        tasks = [turn_of(1) for _ in range(3)]
        for task in tasks:
            scheduler.submit(task)
        await asyncio.gather(*map(texts, tasks))
    assert {len(call.seconds) for call in model.calls} == {1}


async def test_two_models_use_no_more_cores_than_there_are() -> None:
    budget = CoreBudget(2)
    models = [FakeRecognizer(SPEC, parallel=2, gate=threading.Event()) for _ in range(2)]
    for model in models:
        model.cores = 1
    schedulers = [ModelScheduler(ThreadWorker(model, "fake"), "fake", budget) for model in models]
    tasks = [turn_of(1) for _ in range(8)]
    for number, task in enumerate(tasks):
        schedulers[number % 2].submit(task)
    assert await soon(lambda: sum(len(model.calls) for model in models) == 2)
    assert not await soon(lambda: sum(len(model.calls) for model in models) > 2, seconds=0.1)
    for model in models:
        model.gate.set()
    await asyncio.gather(*map(texts, tasks))
    assert [len(model.calls) for model in models] == [4, 4]
    await asyncio.gather(*(scheduler.close() for scheduler in schedulers))


@pytest.mark.parametrize(
    ("surplus", "heard", "length", "calls"),
    [
        (1, 100, math.inf, "long new"),
        (0, 100, math.inf, "long"),
        (1, 10, math.inf, "long"),
        (1, 10, 3600, "long new"),
        (1, 10, 20, "long"),
    ],
    ids=["beside-much", "no-surplus", "beside-little", "beside-an-hour", "beside-a-message"],
)
async def test_a_newcomer_is_heard_beside_those_who_have_much(
    surplus: int, heard: int, length: float, calls: str
) -> None:
    model = FakeRecognizer(SPEC, gate=threading.Event())
    model.surplus, model.cores = surplus, 1
    scheduler = ModelScheduler(ThreadWorker(model, "fake"), "fake", CoreBudget(1))
    tasks = [turn_of(heard, "long", share := FairShare(length=length)), turn_of(10, "long", share)]
    for task in tasks:
        scheduler.submit(task)
    await begun(model)
    tasks += [turn_of(1, "new"), turn_of(1, "newer")]
    for task in tasks[2:]:
        scheduler.submit(task)
    assert await soon(lambda: names(model) == calls)
    assert not await soon(lambda: names(model) != calls, seconds=0.1)
    model.gate.set()
    await asyncio.gather(*map(texts, tasks))
    assert sorted(names(model).split()) == ["long", "long", "new", "newer"]
    await scheduler.close()


@pytest.mark.parametrize(("heard", "calls"), [(100, 1), (10, 0)])
async def test_a_newcomer_to_one_model_waits_for_no_hour_of_another(heard: int, calls: int) -> None:
    budget = CoreBudget(1)
    models = [FakeRecognizer(SPEC, gate=threading.Event()) for _ in range(2)]
    for model in models:
        model.cores = 1
    busy, free = (ModelScheduler(ThreadWorker(model, "fake"), "fake", budget) for model in models)
    tasks = [turn_of(heard), turn_of(1)]
    busy.submit(tasks[0])
    await begun(models[0])
    free.submit(tasks[1])
    assert await soon(lambda: len(models[1].calls) == calls)
    assert not await soon(lambda: len(models[1].calls) != calls, seconds=0.1)
    for model in models:
        model.gate.set()
    await asyncio.gather(*map(texts, tasks))
    await asyncio.gather(busy.close(), free.close())


async def test_what_is_done_or_forgotten_holds_no_audio() -> None:
    model = FakeRecognizer(SPEC, gate=threading.Event())
    async with lane_of(model) as scheduler:
        released: list[int] = []
        tasks = [
            InferenceTask(Chunk(hum(1), (0,), (0,)), Options(), FairShare(), partial(released.append, number))
            for number in range(3)
        ]
        for task in tasks:
            scheduler.submit(task)
        await begun(model)
        scheduler.cancel(tasks[2])
        assert released == [2]
        model.gate.set()
        assert await soon(lambda: released == [2, 0, 1])
        assert [len(task.chunk.audio) for task in tasks] == [0, 0, 0]
        assert await texts(tasks[0]) == ["1.0 seconds"]  # told late, and whole


class Selective(FakeRecognizer):
    """A model that holds back only what is called "long"."""

    def transcribe(self, batch: Sequence[Audio], options: Options) -> list[list[Segment]]:
        gate, quick = self.gate, FakeRecognizer(self.spec)
        if options.prompt != "long":
            return quick.transcribe(batch, options)
        self.begun.release()
        pass_gate(gate)
        return quick.transcribe(batch, options)


class Held(FakeLongForm):
    """A model that holds back only what is called "long"."""

    def _begin(self, batch: Sequence[Audio], options: Options) -> None:
        gate = self.gate if options.prompt == "long" else None
        self.calls.append(Call(tuple(len(audio) / 16_000 for audio in batch), options))
        self.begun.release()
        pass_gate(gate)


@pytest.mark.parametrize("surplus", [0, 1])
async def test_a_model_that_windows_by_itself_hears_a_newcomer_beside_hours_if_it_bears_one_call_more(
    surplus: int,
) -> None:
    model = Held(SPEC, gate=threading.Event(), attempts=3)
    model.surplus, model.cores = surplus, 1
    scheduler = ModelScheduler(ThreadWorker(model, "fake"), "fake", CoreBudget(1))
    hours = turn_of(2, "long", FairShare(length=3600))
    scheduler.submit(hours)
    await begun(model)
    message = turn_of(1, "new", FairShare(length=5))
    scheduler.submit(message)
    assert await soon(lambda: message.finished, seconds=2 if surplus else 0.1) == bool(surplus)
    assert names(model) == ("long new new new" if surplus else "long")
    model.gate.set()
    await asyncio.gather(*map(texts, [hours, message]))
    await scheduler.close()


class Frugal(FakeLongForm):
    """A model that needs the audio no more once it has begun."""

    def transcribe_long(self, audio: Audio, options: Options) -> Iterator[Segment]:
        del audio
        for number in range(2):
            self._begin([], options)
            yield Segment(str(number), number, number + 1)


async def test_audio_is_kept_no_longer_than_the_model_needs_it() -> None:
    model, audio = Frugal(SPEC, gate=threading.Event()), hum(2)
    kept, task = weakref.ref(audio), InferenceTask(Chunk(audio, (0,), (32_000,)), Options(), FairShare())
    del audio
    async with lane_of(model) as scheduler:
        scheduler.submit(task)
        await begun(model)
        assert kept() is None
        model.gate.set()
        assert [(part.start, part.end) async for part in task] == [(2, 3), (3, 4)]


async def test_newcomers_who_come_together_are_heard_one_after_the_other_beside_the_rest() -> None:
    model = Selective(SPEC, gate=threading.Event())
    model.surplus, model.cores = 1, 1
    scheduler = ModelScheduler(ThreadWorker(model, "fake"), "fake", CoreBudget(1))
    long, *new = turn_of(100, "long"), turn_of(1, "new"), turn_of(1, "newer"), turn_of(1, "newest")
    scheduler.submit(long)
    await begun(model)
    for task in new:
        scheduler.submit(task)
    assert await soon(lambda: all(task.finished for task in new), seconds=2)
    assert not long.finished
    model.gate.set()
    await asyncio.gather(*map(texts, [long, *new]))
    await scheduler.close()


async def test_a_task_that_has_not_begun_by_its_deadline_gets_an_error() -> None:
    model, released = FakeRecognizer(SPEC, gate=threading.Event()), []
    async with lane_of(model) as scheduler:
        scheduler.submit(turn_of(1, "first"))
        await begun(model)
        late = InferenceTask(
            Chunk(hum(1), (0,), (0,)),
            Options(prompt="late"),
            FairShare(),
            lambda: released.append("late"),
            urgency=Urgency(deadline=time.monotonic() + 0.05),
        )
        scheduler.submit(late)
        with pytest.raises(QueueTimeout, match="deadline"):
            await texts(late)
        assert released == ["late"]
        assert scheduler.waiting == 0
    assert names(model) == "first"


async def test_a_newer_task_takes_the_place_of_an_older_one_which_ends_without_segments() -> None:
    model, share = FakeRecognizer(SPEC, gate=threading.Event()), FairShare()
    async with lane_of(model) as scheduler:
        scheduler.submit(turn_of(1, "first"))
        await begun(model)
        older, newer = (
            InferenceTask(
                Chunk(hum(1), (0,), (0,)),
                Options(prompt=name),
                share,
                urgency=Urgency(supersede_key="partial"),
            )
            for name in ("older", "newer")
        )
        scheduler.submit(older)
        scheduler.submit(newer)
        assert await texts(older) == []
        model.gate.set()
        assert len(await texts(newer)) == 1
    assert names(model) == "first newer"
